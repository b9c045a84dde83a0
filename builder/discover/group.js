/* Endpoints that may share a process: their memory keeps them apart, and their runtime; time-outs are kept an endpoint. */
import { isEdge } from '../bundle/edge.js';

/**
 * As groupByMemory(), with those whose `runtime` is edge in groups of their own: they see other globals.
 * @param {Record<string, string>} edgeEnv variables of those
 */
export function groupByRuntime(name, dialect, endpoints, common, edgeEnv) {
  const onEdge = ({ settings }) => isEdge(settings.runtime);
  return [
    ...groupByMemory(name, dialect, endpoints.filter((endpoint) => !onEdge(endpoint)), common),
    ...groupByMemory(`${name}/edge`, dialect, endpoints.filter(onEdge), {
      ...common, bundle: { edge: true }, env: { ...common.env, ...edgeEnv }, settings: { ...common.settings, edge: true },
    }),
  ];
}

/**
 * @param {string} name of the group; those with another memory than the default get it as a suffix
 * @param {string} dialect
 * @param {(import('../project.js').Endpoint & { memory_mb?: number, include?: string[] })[]} endpoints
 * @param {object} common fields of every group
 * @returns {import('../project.js').Draft[]}
 */
export function groupByMemory(name, dialect, endpoints, common) {
  const groups = new Map();
  for (const { memory_mb: memory = common.memory_mb, include = [], ...endpoint } of endpoints) {
    if (!groups.has(memory)) {
      groups.set(memory, { endpoints: [], include: new Set() });
    }
    groups.get(memory).endpoints.push(endpoint);
    include.forEach((glob) => groups.get(memory).include.add(glob));
  }
  return [...groups].map(([memory, group]) => ({
    ...common,
    name: memory === common.memory_mb ? name : `${name}/${memory}mb`,
    dialect,
    memory_mb: memory,
    env: { ...common.env },
    endpoints: group.endpoints,
    include: [...group.include],
  }));
}

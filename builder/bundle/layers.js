/* Layers of Lambda functions: what lies at /opt when they run, one over the other. The code that is imported of them
 * becomes part of the bundle; programs, data and what else is read is there because the sandbox shows SHOWN of the
 * artifact at /opt (src/sandbox/enter_root.c): a tree of links into the layers' own folders, which are mounted beside it. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const SHOWN = '___mayfly_opt';
const FOLDERS = '___mayfly_layers';
const TASK = '/var/task';

/**
 * @typedef {object} Layer
 * @property {string} folder its absolute folder
 * @property {string} at what the folder is: /opt, or /opt/nodejs where SAM builds it
 */

/** Asked before anything else: /opt leads nowhere on this machine, or somewhere wrong. */
export function layersPlugin(layers) {
  return {
    name: 'mayfly-layers',
    setup(build) {
      build.onResolve({ filter: /^\/opt\// }, async (args) => {
        for (const { folder, at } of layers) {
          const rest = path.posix.relative(at, args.path);
          const found = rest.startsWith('..') ? null : await resolveIn(build, args, `./${rest}`, folder);
          if (found) {
            return found;
          }
        }
        return undefined;
      });
    },
  };
}

/**
 * What of an artifact shows layers at /opt. A folder that several of them have is a folder of links; of a file the last
 * layer's counts, as on AWS.
 * @param {Layer[]} layers
 * @returns {{ files: import('../artifact.js').ArtifactFiles, mounts: import('./installed.js').Mount[] }}
 */
export function layersAtOpt(layers) {
  const files = new Map();
  const roots = layers.map(({ folder, at }, i) => {
    const whole = { name: path.posix.relative('/opt', at), source: folder, shown: `${TASK}/${FOLDERS}/${i}`, isFolder: true };
    return whole.name ? [whole] : membersOf(whole);
  });
  addLinks(roots.toReversed().flat(), SHOWN, files);
  return { files, mounts: layers.map(({ folder }, i) => ({ source: folder, target: `${FOLDERS}/${i}` })) };
}

/** @param {{ name: string, source: string, shown: string, isFolder: boolean }[]} members those of the last layer first */
function addLinks(members, at, files) {
  for (const [name, same] of Map.groupBy(members, (member) => member.name)) {
    const folders = same.filter(({ isFolder }) => isFolder);
    if (same[0].isFolder && folders.length > 1) {
      addLinks(folders.flatMap(membersOf), `${at}/${name}`, files);
    } else {
      files.set(`${at}/${name}`, { link: same[0].shown });
    }
  }
}

function membersOf({ source, shown }) {
  return readdirSync(source, { withFileTypes: true }).map((entry) => ({
    name: entry.name, source: path.join(source, entry.name), shown: `${shown}/${entry.name}`, isFolder: entry.isDirectory(),
  }));
}

/** A package that only a layer has, which is where Node.js looks last; null where none has it. */
export async function resolveInLayers(build, args, layers) {
  for (const { folder, at } of layers) {
    const places = at === '/opt' ? [path.join(folder, 'nodejs'), folder] : [folder];
    for (const place of places.filter((one) => existsSync(path.join(one, 'node_modules')))) {
      const found = await resolveIn(build, args, args.path, place);
      if (found?.path.startsWith(`${folder}${path.sep}`)) {
        return found;
      }
    }
  }
  return null;
}

async function resolveIn(build, { importer, namespace, kind }, specifier, resolveDir) {
  const result = await build.resolve(specifier, { kind, resolveDir, importer, namespace, pluginData: { resolving: true } });
  return result.errors.length > 0 ? null : { path: result.path, namespace: result.namespace, sideEffects: result.sideEffects };
}

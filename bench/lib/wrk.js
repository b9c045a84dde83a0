/* wrk, bounded: requests per second of one server on 127.0.0.1. */
import { run } from './processes.js';

/**
 * @param {{ port: number, name: string }} server
 * @param {{ path: string, seconds: number, threads?: number, connections?: number, script?: string }} load
 * @returns {Promise<number>} requests per second; throws when one was not answered with 2xx
 */
export async function requestsPerSecond(server, { path, seconds, threads = 2, connections = 64, script }) {
  const args = [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '5s'];
  if (script) {
    args.push('-s', script);
  }
  const output = await run('wrk', [...args, `http://127.0.0.1:${server.port}${path}`], (seconds + 20) * 1000);
  const rate = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1]);
  if (!(rate > 0) || /Non-2xx|Socket errors: .*[1-9]/.test(output)) {
    throw new Error(`${server.name} failed under load on ${path}:\n${output}`);
  }
  return rate;
}

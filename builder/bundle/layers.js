/* Layers of Lambda functions: what lies at /opt when they run. Their code becomes part of the bundle, so nothing of it
 * needs to be there; files that a layer's code reads by itself are not. */
import { existsSync } from 'node:fs';
import path from 'node:path';

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

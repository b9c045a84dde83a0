/* Volumes: folders of the project that its functions may write, as `"volumes": ["data"]` in mayfly.json says.
 *
 * What is in one is data: it is not searched, watched, traced or copied. The supervisor makes a folder that is not
 * there yet. */
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { isWithin } from '../files.js';

const VOLUMES_MAX = 4;
const LENGTH_MAX = 200;
/** One part of a path: nothing hidden, nothing that climbs, nothing that a terminal would act on. */
const PLAIN_NAME = /^(?!.*\.\.)[^./\\\p{C}][^/\\\p{C}]*$/u;
/** Folders that platforms look for code in; a function that could write there would write its successor. */
const CODE_FOLDERS = new Set([
  'api', 'app', 'functions', 'netlify', 'netlify/functions', 'netlify/edge-functions', 'pages', 'src', 'src/app', 'src/pages',
]);

/**
 * @param {object} config mayfly.json
 * @param {string} project
 * @param {import('../diagnostics.js').Diagnostics} diagnostics
 * @returns {string[]} relative folders; wrong ones are reported and left out
 */
export function readVolumes({ volumes: value = [], locate }, project, diagnostics) {
  const where = { file: 'mayfly.json', ...locate(['volumes']) };
  if (value.length > VOLUMES_MAX) {
    diagnostics.error(`mayfly.json: "volumes" must be a list of at most ${VOLUMES_MAX} folders`, where);
    return [];
  }
  const volumes = [];
  for (const entry of value) {
    const fault = faultOf(entry, project, volumes);
    if (fault) {
      diagnostics.error(`mayfly.json: volumes: ${JSON.stringify(entry)} ${fault}`, where);
    } else {
      volumes.push(cleaned(entry));
    }
  }
  return volumes;
}

function cleaned(entry) {
  return entry.replace(/^\.\//, '').replace(/\/$/, '');
}

function faultOf(entry, project, others) {
  const folder = cleaned(entry);
  const names = folder.split('/');
  if (folder.length > LENGTH_MAX || !names.every((name) => PLAIN_NAME.test(name))) {
    return 'must be a folder inside of the project, without hidden folders in its path';
  }
  if (names.includes('node_modules') || CODE_FOLDERS.has(folder)) {
    return 'holds code, and functions may not write that';
  }
  if (others.some((other) => isWithin(folder, other) || isWithin(other, folder))) {
    return 'is named twice, or lies in another volume';
  }
  const place = path.join(project, folder);
  const stat = statSync(place, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory()) {
    return 'is not a folder';
  }
  /* It may lead to what may be no volume by its name: .git, code. */
  return stat && realpathSync(place) !== path.join(realpathSync(project), folder) ? 'is a link, or lies behind one' : '';
}

/**
 * @param {string[]} volumes
 * @param {string} project
 * @param {string} [root] the folder that becomes /var/task
 * @returns {{ source: string, target: string, writable: true }[]} at the same place in /var/task as in the project, or
 *   as in `root` for what lies in it: a relative path leads to the same file as it does on the user's machine
 */
export function volumeMounts(volumes, project, root = project) {
  return volumes.map((volume) => {
    const source = path.join(project, volume);
    return { source, target: isWithin(source, root) ? path.relative(root, source) : volume, writable: true };
  });
}

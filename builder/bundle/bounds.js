/* Of which files a bundle may be made. The builder may read more than functions may: it would else be a way to any file of the machine
 * for whatever is in a project (doc/threat-model.md). */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { isWithin } from '../files.js';
import { parsedManifest } from './packages.js';

/** Where our own modules are that stand in for others. */
const OWN = ['builder', 'runtime'].map((folder) => path.resolve(import.meta.dirname, '../..', folder));

function isWorkspace(folder) {
  return existsSync(path.join(folder, 'pnpm-workspace.yaml')) || parsedManifest(path.join(folder, 'package.json')).workspaces !== undefined;
}

/** The repository that a project is of, else its workspace, else the project alone. */
function sharedFolder(project) {
  const around = [];
  for (let at = project; at !== path.dirname(at); at = path.dirname(at)) {
    around.push(at);
  }
  return around.find((folder) => existsSync(path.join(folder, '.git'))) ?? around.find(isWorkspace) ?? project;
}

/**
 * @param {string} project its real path
 * @param {string} file its real path
 * @param {import('./installed.js').Installed} installed
 * @returns {boolean} whether the file is of the project, of the repository around it, or of a package
 */
export function isOfProject(project, file, installed) {
  return isWithin(file, project) || file.includes('/node_modules/') || OWN.some((folder) => isWithin(file, folder)) ||
    isWithin(file, sharedFolder(project)) || installed.linkedOf(file) !== null;
}

/** Why a file is not bundled that another imports as `specifier`. */
export function outsideText(project, file, importer, specifier) {
  let both = project;
  while (!isWithin(file, both)) {
    both = path.dirname(both);
  }
  const why = `${importer} imports "${specifier}", which is outside of the project`;
  return both === '/' ? `${why}: copy it there` : `${why}: serve a folder that has both, ${both}`;
}

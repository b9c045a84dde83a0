/* What Lambda functions need and their project does not hold: told once for each file. */
import path from 'node:path';
import { allNamed } from '../diagnostics.js';
import { isFolder } from '../files.js';
import { ACCOUNT } from './arn.js';

const LAYER = /^arn:[^:]+:lambda:[^:]*:(\d+):layer:(.+)$/;
/** CloudFormation asks another service for it while the stack is deployed. */
const DYNAMIC = /^\{\{resolve:.*\}\}$/;

/** Those that somebody else has published, as texts of name and version. */
export function foreignLayers(references) {
  return [references ?? []].flat().map((text) => LAYER.exec(text)).filter((match) => match && match[1] !== ACCOUNT).map(([, , name]) => name);
}

/** Variables that a parameter without a value, SSM, another stack or a program would give: they stay open for .env. */
export function tellUnknown(declared, context) {
  const { diagnostics, env } = context;
  for (const [file, functions] of Map.groupBy(declared, ({ declaredIn }) => declaredIn)) {
    const unknown = functions.flatMap((declaration) => withoutUnknown(declaration)).filter((name) => env[name] === undefined);
    if (unknown.length > 0) {
      diagnostics.warn(`${file}: the files do not say what is in the ${allNamed([...new Set(unknown)], 'variable')}: .env may`, { file });
    }
    const layers = functions.flatMap((declaration) => declaration.foreignLayers ?? []);
    if (layers.length > 0) {
      const text = 'what others have published is not here: install what the functions need of it';
      diagnostics.warn(`${file}: ${allNamed([...new Set(layers)], 'layer')}: ${text}`, { file });
    }
    tellNoFolders(file, functions, context);
  }
}

/** What is not unpacked or not built yet. */
function tellNoFolders(file, functions, { diagnostics, files, project }) {
  const folders = new Set(functions.flatMap(({ layers = [] }) => layers.map(({ folder }) => folder)));
  for (const folder of [...folders].filter((one) => !isFolder(path.join(project, one)))) {
    const [why, advice] = files.has(folder) ? ['it is not unpacked', ': name the folder that it is made of'] : ['there is no such folder', ''];
    diagnostics.warn(`${file}: layer ${folder}: ${why}, so nothing of it is at /opt${advice}`, { file });
  }
}

/** @returns {string[]} the names of those that were taken out */
function withoutUnknown(declaration) {
  const entries = Object.entries(declaration.environment ?? {});
  const isUnknown = ([, value]) => value === undefined || DYNAMIC.test(value);
  declaration.environment = Object.fromEntries(entries.filter((entry) => !isUnknown(entry)));
  return entries.filter(isUnknown).map(([name]) => name);
}

/* Cloud assemblies, which `cdk synth` writes: a manifest.json names the templates of stacks, and further assemblies, one a stage.
 * What lies beside those is of a synthesis before, or what functions are made of. */
import path from 'node:path';
import { readJson } from './mayfly_json.js';

/** Of the CDK itself, in each assembly. */
const MARKER = 'cdk.out';
const DEPTH_MAX = 10;

/**
 * @param {import('./context.js').Context} context
 * @returns {{ folders: string[], stacks: { file: string, stack: string, isSynthesized: true }[] }} the outermost ones' folders, all their stacks
 */
export function cloudAssemblies(context) {
  const { files } = context;
  const all = files.list().filter((file) => path.posix.basename(file) === MARKER).map((file) => path.posix.dirname(file))
    .filter((folder) => files.has(`${folder}/manifest.json`));
  const folders = all.filter((folder) => !all.some((other) => folder.startsWith(`${other}/`)));
  return { folders, stacks: folders.flatMap((folder) => stacksIn(context, folder, 0)) };
}

function stacksIn(context, folder, depth) {
  const file = `${folder}/manifest.json`;
  const { artifacts } = context.files.has(file) && depth < DEPTH_MAX ? readJson(context.files, file, context.diagnostics) ?? {} : {};
  return Object.entries(artifacts ?? {}).flatMap(([id, artifact]) => {
    const { type } = artifact ?? {};
    const properties = artifact?.properties ?? {};
    const place = (name) => path.posix.join(folder, String(name));
    if (type === 'cdk:cloud-assembly') {
      return stacksIn(context, place(properties.directoryName), depth + 1);
    }
    const isStack = type === 'aws:cloudformation:stack' && context.files.has(place(properties.templateFile));
    return isStack ? [{ file: place(properties.templateFile), stack: properties.stackName ?? id, isSynthesized: true }] : [];
  });
}

/**
 * Where an asset lies, from its template's folder: as its metadata say it, in absolute terms where nothing is copied
 * (`--no-staging`); else, where they are left out (`--no-asset-metadata`), as the assembly's lists say it of the asset's key.
 * @param {import('./context.js').Context} context
 * @param {string} file the template
 * @param {object|undefined} metadata of the resource
 * @param {unknown} key of the object that the asset is deployed as
 * @returns {string|undefined}
 */
export function assetPath(context, file, metadata, key) {
  const said = metadata?.['aws:asset:path'] ?? listedPath(context, path.posix.dirname(file), key);
  const isAbsolute = typeof said === 'string' && path.isAbsolute(said);
  return isAbsolute ? path.relative(path.dirname(context.files.absolute(file)), said) : said;
}

function listedPath({ files, diagnostics }, folder, key) {
  const hash = /([0-9a-f]{64})\.zip$/.exec(key)?.[1];
  const lists = hash ? files.list().filter((file) => file.endsWith('.assets.json') && path.posix.dirname(file) === folder) : [];
  return lists.map((file) => readJson(files, file, diagnostics)?.files?.[hash]?.source?.path).find((place) => typeof place === 'string');
}

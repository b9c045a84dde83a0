/* Terraform's files: modules of resources, and the Lambda functions among them. */
import path from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { regionOf } from './arn.js';
import { learn } from './hcl.js';
import { TerraformValues } from './terraform_values.js';

const VARIABLES = /(^|\/)(terraform|[^/]*\.auto)\.tfvars$/;
const cache = new Map();
const kept = new WeakMap();

/**
 * @typedef {object} TerraformModule the files of one folder: each may refer to what another declares
 * @property {string} folder
 * @property {TerraformValues} values
 *
 * @param {import('./all.js').Context} context
 * @returns {Promise<TerraformModule[]>}
 */
export async function terraformModules(context) {
  if (!kept.has(context)) {
    kept.set(context, await readModules(context));
  }
  return kept.get(context);
}

/**
 * @param {import('./all.js').Context} context
 * @returns {Promise<import('./lambda.js').Declaration[]>}
 */
export async function terraformFunctions(context) {
  const modules = await terraformModules(context);
  return modules.flatMap(({ folder, values }) =>
    values.all('aws_lambda_function').map((resource) => declarationOf(context, values, folder, resource)).filter(Boolean),
  );
}

async function readModules(context) {
  const { files, diagnostics, env } = context;
  const modules = new Map();
  for (const file of files.list().filter((name) => name.endsWith('.tf') || VARIABLES.test(name))) {
    const parsed = await parseFile(files, file, diagnostics);
    if (!parsed) {
      continue;
    }
    const folder = path.posix.dirname(file).replace(/^\.$/, '');
    const blocks = modules.get(folder) ?? { variable: {}, locals: {}, resource: {}, data: {}, origin: {}, given: {} };
    VARIABLES.test(file) ? Object.assign(blocks.given, parsed) : merge(blocks, parsed, file);
    modules.set(folder, blocks);
  }
  const found = [];
  for (const [folder, blocks] of modules) {
    await learn(blocks);
    const readFile = (name) => readBeside(files, folder, name);
    found.push({ folder, values: new TerraformValues(blocks, { region: regionOf(env), readFile }) });
  }
  return found;
}

function readBeside(files, folder, name) {
  const file = path.posix.join(folder, name);
  return files.has(file) ? files.read(file) : undefined;
}

async function parseFile(files, file, diagnostics) {
  const source = files.read(file);
  try {
    if (!cache.has(source)) {
      cache.set(source, await parse(file, source));
    }
    return cache.get(source);
  } catch (error) {
    const place = /:(\d+),(\d+)[^:]*: ([^\]]*)/.exec(error.message);
    const text = place ? place[3].trim() : error.message;
    diagnostics.error(`${file}: ${text}`, {
      file, source, line: place ? Number(place[1]) : undefined, column: place ? Number(place[2]) : undefined,
    });
    return null;
  }
}

function merge(blocks, parsed, file) {
  for (const group of [parsed.locals ?? []].flat()) {
    Object.assign(blocks.locals, group);
  }
  Object.assign(blocks.variable, parsed.variable);
  for (const kind of ['resource', 'data']) {
    for (const [type, named] of Object.entries(parsed[kind] ?? {})) {
      blocks[kind][type] = { ...blocks[kind][type], ...named };
      Object.keys(named).forEach((name) => (blocks.origin[`${kind}.${type}.${name}`] = file));
    }
  }
}

function declarationOf(context, values, folder, resource) {
  const declaredIn = resource.file;
  if (resource.get('package_type') === 'Image') {
    context.diagnostics.warn(`${declaredIn}: function "${resource.id}" is a container image, which does not run here`, {
      file: declaredIn,
    });
    return null;
  }
  const { name } = resource;
  return {
    name,
    handler: text(resource.get('handler')),
    runtime: text(resource.get('runtime')),
    timeout: number(resource.get('timeout')),
    memory: number(resource.get('memory_size')),
    tmp: number(resource.blocks('ephemeral_storage')[0]?.size),
    environment: resource.blocks('environment')[0]?.variables,
    invokeMode: text(urlOf(values, resource)?.get('invoke_mode')),
    declaredIn,
    ...codeOf(context, values, folder, resource),
  };
}

const text = (value) => (typeof value === 'string' ? value : undefined);
const number = (value) => (value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value));

function urlOf(values, { name, arn }) {
  return values.all('aws_lambda_function_url').find((url) => [name, arn].includes(url.get('function_name')));
}

/** Through archive_file to the folder that it packs, or the file; else the zip's name, which is not ours to open. */
function codeOf({ files }, values, folder, resource) {
  const archive = archiveOf(values, resource);
  const inModule = (place) => path.posix.normalize(path.posix.join(folder, place)).replace(/\/$|^\.$/, '');
  const packed = text(archive?.get('source_dir') ?? resource.get('source_dir'));
  if (packed !== undefined) {
    const place = inModule(packed);
    const exists = place === '' || files.list().some((file) => file.startsWith(`${place}/`));
    return exists ? { folder: place } : { missing: packed };
  }
  const single = text(archive?.get('source_file'));
  if (single !== undefined) {
    return { sourceFile: inModule(single), missing: single };
  }
  const filename = text(resource.get('filename'));
  if (filename === undefined) {
    return {};
  }
  const place = inModule(filename);
  return path.posix.extname(place) === '.zip' ? { missing: filename } : { folder: place, missing: filename };
}

/** By the path of its zip, or by being referred to at all. */
function archiveOf(values, resource) {
  const archives = [...values.all('archive_file', 'data'), ...values.all('archive_file')];
  const wanted = resource.get('filename');
  const byPath = wanted !== undefined && archives.find((archive) => archive.get('output_path') === wanted);
  const reference = /archive_file\.([\w-]+)[.[]/.exec(`${resource.block.filename} ${resource.block.source_code_hash}`);
  return byPath || (reference && archives.find(({ id }) => id === reference[1]));
}

/* Lambda functions in Terraform's files, with variables, locals and references between resources put in. */
import path from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { TerraformValues } from './terraform_values.js';

const cache = new Map();

/**
 * @param {import('./all.js').Context} context
 * @returns {Promise<import('./lambda.js').Declaration[]>}
 */
export async function terraformFunctions(context) {
  const modules = await readModules(context);
  return [...modules].flatMap(([folder, blocks]) => {
    const values = new TerraformValues(blocks, folder, path.basename(context.project));
    const resources = Object.entries(blocks.resource.aws_lambda_function ?? {});
    return resources.map(([id, [resource]]) => declarationOf(context, values, folder, id, resource)).filter(Boolean);
  });
}

/** Files of one folder are one module: a file may refer to what another declares. */
async function readModules({ files, diagnostics }) {
  const modules = new Map();
  for (const file of files.list().filter((name) => name.endsWith('.tf'))) {
    const parsed = await parseFile(files, file, diagnostics);
    if (!parsed) {
      continue;
    }
    const folder = path.posix.dirname(file).replace(/^\.$/, '');
    const blocks = modules.get(folder) ?? { variable: {}, locals: {}, resource: {}, data: {}, output: {}, origin: {} };
    merge(blocks, parsed, file);
    modules.set(folder, blocks);
  }
  return modules;
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
      Object.keys(named).forEach((name) => (blocks.origin[`${type}.${name}`] = file));
    }
  }
}

function declarationOf(context, values, folder, id, resource) {
  const declaredIn = values.blocks.origin[`aws_lambda_function.${id}`];
  if (resource.package_type === 'Image') {
    context.diagnostics.warn(`${declaredIn}: function "${id}" is a container image, which does not run here`, {
      file: declaredIn,
    });
    return null;
  }
  const url = urlOf(values, id);
  return {
    name: String(values.resolve(resource.function_name) ?? id),
    handler: text(values.resolve(resource.handler)),
    runtime: text(values.resolve(resource.runtime)),
    timeout: number(values.resolve(resource.timeout)),
    memory: number(values.resolve(resource.memory_size)),
    tmp: number(values.resolve(resource.ephemeral_storage?.[0]?.size)),
    environment: values.resolve(resource.environment?.[0]?.variables),
    invokeMode: text(values.resolve(url?.invoke_mode)),
    declaredIn,
    ...codeOf(context, values, folder, resource),
  };
}

const text = (value) => (typeof value === 'string' ? value : undefined);
const number = (value) => (value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value));

function urlOf(values, id) {
  const urls = Object.values(values.blocks.resource.aws_lambda_function_url ?? {}).map(([url]) => url);
  return urls.find((url) => String(url.function_name).includes(`aws_lambda_function.${id}.`));
}

/** Through archive_file to the folder that it packs, or the file; else the zip's name, which is not ours to open. */
function codeOf({ files }, values, folder, resource) {
  const archive = archiveOf(values, resource);
  const inModule = (place) => path.posix.normalize(path.posix.join(folder, place)).replace(/\/$|^\.$/, '');
  const folderOf = archive?.source_dir ?? resource.source_dir;
  const packed = text(values.resolve(folderOf));
  if (packed !== undefined) {
    const place = inModule(packed);
    const exists = place === '' || files.list().some((file) => file.startsWith(`${place}/`));
    return exists ? { folder: place } : { missing: packed };
  }
  const single = text(values.resolve(archive?.source_file));
  if (single !== undefined) {
    return { sourceFile: inModule(single), missing: single };
  }
  const filename = text(values.resolve(resource.filename));
  if (filename === undefined) {
    return {};
  }
  const place = inModule(filename);
  return path.posix.extname(place) === '.zip' ? { missing: filename } : { folder: place, missing: filename };
}

function archiveOf(values, { filename, source_code_hash: hash }) {
  const archives = { ...values.blocks.data.archive_file, ...values.blocks.resource.archive_file };
  const reference = /archive_file\.([\w-]+)\./.exec(`${filename} ${hash}`);
  if (reference) {
    return archives[reference[1]]?.[0];
  }
  const wanted = values.resolve(filename);
  return Object.values(archives).map(([archive]) => archive).find((archive) => values.resolve(archive.output_path) === wanted);
}

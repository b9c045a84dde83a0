/* Terraform's Lambda functions. */
import path from 'node:path';
import { hasFolder } from './lambda_source.js';
import { foreignLayers } from './lambda_unknown.js';
import { loggingVariables, withoutUndefined } from './lambda_url.js';
import { placeOf, providerIn, terraformModules } from './terraform_modules.js';

export { terraformModules };

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./lambda.js').Declaration[]>}
 */
export async function terraformFunctions(context) {
  const modules = await terraformModules(context);
  return modules.flatMap((module) =>
    module.values.all('aws_lambda_function').map((resource) => declarationOf(context, modules, module, resource)),
  );
}

function declarationOf(context, modules, module, resource) {
  const { values } = module;
  const declaredIn = resource.file;
  const { name } = resource;
  return {
    name,
    handler: text(resource.get('handler')),
    runtime: text(resource.get('runtime')),
    image: resource.get('package_type') === 'Image',
    timeout: number(resource.get('timeout')),
    memory: number(resource.get('memory_size')),
    tmp: number(resource.blocks('ephemeral_storage')[0]?.size),
    durable: resource.blocks('durable_config').length > 0,
    environment: { ...resource.blocks('environment')[0]?.variables, ...loggingOf(resource) },
    reserved: number(resource.get('reserved_concurrent_executions')),
    tags: tagsOf(module, resource),
    url: urlOf(values, resource),
    aliases: aliasesOf(values, resource),
    layers: layersOf(context, modules, resource),
    foreignLayers: foreignLayers(resource.get('layers')),
    declaredIn,
    ...codeOf(context, module, resource),
  };
}

const text = (value) => (typeof value === 'string' ? value : undefined);
const number = (value) => (value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value));

/** Those of its provider, which another one of the same name takes the place of. */
function tagsOf({ providers }, resource) {
  const provider = providers.get(providerIn(resource.block.provider ?? 'aws'));
  const tags = { ...provider?.values.resolve(provider.block.default_tags?.[0]?.tags), ...resource.get('tags') };
  return Object.keys(tags).length > 0 ? tags : undefined;
}

function urlOf(values, { name, arn }) {
  const found = values.all('aws_lambda_function_url').find((url) => [name, arn].includes(url.get('function_name')));
  if (!found) {
    return undefined;
  }
  const [cors] = found.blocks('cors');
  return withoutUndefined({
    auth_type: found.get('authorization_type'), invoke_mode: found.get('invoke_mode'), cors: cors && withoutUndefined(cors),
  });
}

/** Of an alias the version is whatever there is; published ones count from 1. */
function aliasesOf(values, resource) {
  const { name, arn } = resource;
  const named = values.all('aws_lambda_alias').filter((alias) => [name, arn].includes(alias.get('function_name')));
  const aliases = Object.fromEntries(named.map((alias) => [alias.name, String(number(alias.get('function_version')) ?? 1)]));
  return named.length > 0 || resource.get('publish') === true ? { 1: '1', ...aliases } : undefined;
}

/** What Lambda tells the runtime of its logging. */
function loggingOf(resource) {
  const [logging] = resource.blocks('logging_config');
  return loggingVariables(logging?.log_format, logging?.application_log_level);
}

/** Of whatever module. */
function layersOf(context, modules, resource) {
  const named = [resource.get('layers') ?? []].flat();
  const orderOf = ({ arn, name }) => named.findIndex((one) => one === arn || one === name);
  const layers = modules.flatMap((module) => module.values.all('aws_lambda_layer_version').map((layer) => ({ module, layer })))
    .filter(({ layer }) => orderOf(layer) >= 0);
  const folders = layers.toSorted((a, b) => orderOf(a.layer) - orderOf(b.layer)).map(({ module, layer }) => {
    const { folder, absent, archive, missing = archive } = codeOf(context, module, layer);
    return folder ?? absent ?? (missing === undefined ? undefined : placeOf(context, module.root, missing));
  });
  return folders.filter((folder) => folder !== undefined).map((folder) => ({ folder, at: '/opt' }));
}

/** Through archive_file to the folder that it packs, or the file; else the zip's name, which is not ours to open. */
function codeOf(context, { values, root }, resource) {
  const { files } = context;
  const archive = archiveOf(values, resource);
  const inline = archive?.blocks('source').filter(({ content, filename }) => text(content) && text(filename)) ?? [];
  if (inline.length > 0) {
    return { inline: Object.fromEntries(inline.map(({ content, filename }) => [filename, content])) };
  }
  const inModule = (place) => placeOf(context, root, place);
  const packed = pathIn(archive?.get('source_dir') ?? resource.get('source_dir'));
  if (packed !== undefined) {
    const place = inModule(packed);
    if (files.has(place)) {
      return { sourceFile: place };
    }
    return hasFolder(files, place) ? { folder: place } : { missing: packed, absent: place };
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
  if (path.posix.extname(place) !== '.zip') {
    return hasFolder(files, place) ? { folder: place } : { folder: place, missing: filename };
  }
  return files.has(place) ? { archive: filename } : { missing: filename };
}

/** A path, or the first of several, which may be objects with commands around theirs. */
function pathIn(value) {
  const [first] = [value].flat();
  return text(first?.path ?? first);
}

/** By the path of its zip, or by being referred to at all. */
function archiveOf(values, resource) {
  const archives = [...values.all('archive_file', 'data'), ...values.all('archive_file')];
  const wanted = resource.get('filename');
  const byPath = wanted !== undefined && archives.find((archive) => archive.get('output_path') === wanted);
  const reference = /archive_file\.([\w-]+)[.[]/.exec(`${resource.block.filename} ${resource.block.source_code_hash}`);
  return byPath || (reference && archives.find(({ id }) => id === reference[1]));
}

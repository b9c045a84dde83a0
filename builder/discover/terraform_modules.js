/* Folders of Terraform files: each is a module, whose files may refer to what another declares. One that others call is
 * worked out for each call, with what it is given; those that nobody calls are roots. */
import path from 'node:path';
import { regionOf } from './arn.js';
import { learn } from './hcl.js';
import { parse } from './hcl2json.js';
import { REGISTRY, registryModule } from './terraform_registry.js';
import { TerraformValues } from './terraform_values.js';

const VARIABLES = /(^|\/)(terraform|[^/]*\.auto)\.tfvars$/;
const KINDS = ['resource', 'data'];
const DEPTH_MAX = 10; /* of calls in calls; in a circle they never end */

const cache = new Map();
const kept = new WeakMap();

/**
 * @typedef {object} TerraformModule one call of a module, or a root
 * @property {string} folder relative to the project
 * @property {string} root the folder that Terraform is run in: what plain paths are relative to
 * @property {TerraformValues} values
 * @property {Map<string, { block: object, values: TerraformValues }>} providers by their names there, `aws` or `aws.alias`
 *
 * @param {import('./context.js').Context} context
 * @returns {Promise<TerraformModule[]>}
 */
export async function terraformModules(context) {
  if (!kept.has(context)) {
    kept.set(context, await readModules(context));
  }
  return kept.get(context);
}

async function readModules(context) {
  const folders = await readFolders(context);
  folders.forEach((blocks, folder) => tellMissing(context, folders, folder, blocks));
  const called = new Set([...folders].flatMap(([folder, blocks]) => calleesOf(folder, blocks)));
  const roots = [...folders.keys()].filter((folder) => !called.has(folder));
  return roots.flatMap((root) => withCallees(moduleIn({ context, folders, root }, root, givenTo(folders.get(root), context.env)), 0));
}

/** Variables of a root: of the environment (`TF_VAR_name`) those that no file of values gives. */
function givenTo({ variable, given }, env) {
  const named = Object.keys(variable).filter((name) => env[`TF_VAR_${name}`] !== undefined);
  return { ...Object.fromEntries(named.map((name) => [name, valueOf(env[`TF_VAR_${name}`], variable[name][0].type)])), ...given };
}

/** Text, unless the variable is of another type: of such as much is understood as JSON has. */
function valueOf(text, type = '${string}') {
  try {
    return type === '${string}' ? text : JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readFolders({ files, diagnostics }) {
  const folders = new Map();
  for (const file of files.list().filter((name) => name.endsWith('.tf') || VARIABLES.test(name))) {
    const parsed = await parseFile(files, file, diagnostics);
    if (!parsed) {
      continue;
    }
    const folder = path.posix.dirname(file).replace(/^\.$/, '');
    const blocks = folders.get(folder) ??
      { variable: {}, locals: {}, resource: {}, data: {}, module: {}, output: {}, provider: [], origin: {}, given: {} };
    VARIABLES.test(file) ? Object.assign(blocks.given, parsed) : merge(blocks, parsed, file);
    folders.set(folder, blocks);
  }
  if (folders.size > 0) {
    await learn([...folders.values(), ...REGISTRY.values()]);
  }
  return folders;
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
  blocks.provider.push(...[parsed.provider?.aws ?? []].flat());
  for (const kind of ['variable', 'module', 'output']) {
    Object.assign(blocks[kind], parsed[kind]);
  }
  Object.keys(parsed.module ?? {}).forEach((name) => (blocks.origin[`module.${name}`] = file));
  for (const kind of KINDS) {
    for (const [type, named] of Object.entries(parsed[kind] ?? {})) {
      blocks[kind][type] = { ...blocks[kind][type], ...named };
      Object.keys(named).forEach((name) => (blocks.origin[`${kind}.${type}.${name}`] = file));
    }
  }
}

/** The folder that a call leads to, or the registry's module if it is one that is known here. */
function calleeOf(folder, { source }) {
  if (typeof source !== 'string' || REGISTRY.has(source)) {
    return source;
  }
  return /^\.{1,2}(\/|$)/.test(source) ? path.posix.join(folder, source).replace(/\/$|^\.\/?$/, '') : undefined;
}

/** Of the project's own: what lies elsewhere, as a VPC's module of the registry, mostly holds no functions. */
function tellMissing({ diagnostics }, folders, folder, { module, origin }) {
  for (const [name, [call]] of Object.entries(module)) {
    const callee = calleeOf(folder, call);
    if (callee !== undefined && !folders.has(callee) && !REGISTRY.has(callee)) {
      const file = origin[`module.${name}`];
      const isOutside = callee.startsWith('..');
      const why = isOutside ? `${callee} is outside of the project: serve a folder that has both` : `there are no files of Terraform in ${callee || '.'}`;
      diagnostics.error(`${file}: module "${name}": ${why}`, { file });
    }
  }
}

function calleesOf(folder, blocks) {
  return Object.values(blocks.module).map(([call]) => calleeOf(folder, call)).filter((callee) => callee !== undefined);
}

/**
 * @param {{ name: string, file: string }} [call] of one that is the registry's
 * @returns {TerraformModule}
 */
function moduleIn(tree, folder, given, from = new Map(), call = undefined) {
  const { context, folders, root } = tree;
  const providers = new Map(from);
  const values = new TerraformValues(REGISTRY.has(folder) ? registryModule(folder, call.file) : folders.get(folder), {
    given,
    within: REGISTRY.has(folder) ? `module.${call.name}.` : '',
    region: regionOf(context.env),
    readFile: (name) => readText(context, root, name),
    paths: { module: path.join(context.project, folder), root: path.join(context.project, root), cwd: path.join(context.project, root) },
    call: (name, block, args) => {
      const callee = calleeOf(folder, block);
      const said = { name, file: values.blocks.origin[`module.${name}`] };
      return folders.has(callee) || REGISTRY.has(callee) ? moduleIn(tree, callee, args, passed(block, providers), said) : undefined;
    },
  });
  for (const block of values.blocks.provider ?? []) {
    providers.set(block.alias === undefined ? 'aws' : `aws.${block.alias}`, { block, values });
  }
  return { folder, root, values, providers };
}

/** The name of a provider that is referred to, be it by an expression or in quotes, as old files do. */
export const providerIn = (reference) => reference.replace(/^\$\{|\}$/g, '');

/** Providers of a call: those that it names, by the names that it gives them; else the one without an alias. */
function passed({ providers: named = { aws: '${aws}' } }, providers) {
  const found = Object.entries(named).map(([name, expression]) => [name, providers.get(providerIn(expression))]);
  return new Map(found.filter(([, provider]) => provider));
}

function withCallees(module, depth) {
  const callees = depth < DEPTH_MAX ? module.values.calls() : [];
  return [module, ...callees.flatMap((callee) => withCallees(callee, depth + 1))];
}

/** A path that an expression has come to, relative to the project. Plain ones are relative to where Terraform is run. */
export function placeOf({ project }, root, name) {
  const place = path.isAbsolute(name) ? path.relative(project, name) : path.posix.join(root, name);
  return path.posix.normalize(place).replace(/\/$|^\.\/?$/, '');
}

function readText(context, root, name) {
  const file = placeOf(context, root, name);
  return context.files.has(file) ? context.files.read(file) : undefined;
}

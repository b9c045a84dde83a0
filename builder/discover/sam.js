/* Lambda functions of an AWS SAM (or CloudFormation) template. */
import path from 'node:path';
import { readTemplate } from './sam_template.js';

const TEMPLATE = /(^|\/)template\.ya?ml$/;
const API_EVENTS = { Api: { api: 'rest', payload: '1.0' }, HttpApi: { api: 'http', payload: '2.0' } };

const kept = new WeakMap();

/**
 * @param {import('./all.js').Context} context
 * @returns {{ file: string, resources: object, globals: object, resolve: (value: unknown) => any }[]} those that can be read
 */
export function samTemplates(context) {
  if (!kept.has(context)) {
    const files = context.files.list().filter((file) => TEMPLATE.test(file));
    kept.set(context, files.map((file) => ({ file, ...readTemplate(context, file) })).filter(({ resources }) => resources));
  }
  return kept.get(context);
}

/**
 * @param {import('./all.js').Context} context
 * @returns {import('./lambda.js').Declaration[]}
 */
export function samFunctions(context) {
  return samTemplates(context).flatMap((template) => functionsOf(context, template));
}

function functionsOf(context, template) {
  return Object.entries(template.resources)
    .filter(([, resource]) => isFunction(resource))
    .flatMap(([id, resource]) => declarationOf(context, template, template.file, id, resource));
}

export function isFunction(resource) {
  return resource?.Type === 'AWS::Serverless::Function' || resource?.Type === 'AWS::Lambda::Function';
}

function declarationOf(context, template, file, id, resource) {
  const globals = resource.Type === 'AWS::Serverless::Function' ? template.globals.Function ?? {} : {};
  const own = resource.Properties ?? {};
  const properties = { ...globals, ...own };
  const variables = { ...globals.Environment?.Variables, ...own.Environment?.Variables };
  const value = (name) => template.resolve(properties[name]);
  if (value('PackageType') === 'Image' || properties.InlineCode !== undefined) {
    const kind = properties.InlineCode !== undefined ? 'has its code inline' : 'is a container image';
    context.diagnostics.warn(`${file}: function "${id}" ${kind}, which does not run here`, { file });
    return [];
  }
  return [{
    name: String(value('FunctionName') ?? id),
    handler: value('Handler'),
    runtime: value('Runtime'),
    timeout: numberOf(value('Timeout')),
    memory: numberOf(value('MemorySize')),
    tmp: numberOf(template.resolve(properties.EphemeralStorage)?.Size),
    environment: template.resolve(variables),
    invokeMode: template.resolve(properties.FunctionUrlConfig)?.InvokeMode,
    events: eventsOf(template, id, properties.Events),
    declaredIn: file,
    ...codeOf(context, file, value('CodeUri') ?? value('Code'), resource.Metadata),
  }];
}

function numberOf(value) {
  const number = Number(value);
  return value === undefined || value === null || Number.isNaN(number) ? undefined : number;
}

/** CodeUri is relative to the template; esbuild's entry point, if given, to CodeUri. */
function codeOf({ files }, file, codeUri, metadata) {
  const base = path.posix.dirname(file);
  const place = typeof codeUri === 'string' ? codeUri : '.';
  const folder = path.posix.normalize(path.posix.join(base, place)).replace(/\/$|^\.$/, '');
  if (/^s3:|\.zip$/.test(place) || folder.startsWith('..')) {
    return { missing: place };
  }
  const entry = metadata?.BuildProperties?.EntryPoints?.[0];
  if (typeof entry === 'string') {
    const source = path.posix.join(folder, entry);
    const named = files.has(source) ? source : `${source}.ts`;
    return { sourceFile: named, folder };
  }
  return { folder, missing: place };
}

function eventsOf(template, id, events) {
  return Object.entries(events ?? {}).flatMap(([name, event]) => {
    const kind = API_EVENTS[event?.Type];
    if (!kind) {
      return [];
    }
    const properties = template.resolve(event.Properties ?? {});
    const url = typeof properties.Path === 'string' ? properties.Path : '$default';
    const method = String(properties.Method ?? 'ANY').toUpperCase();
    const payload = properties.PayloadFormatVersion === '1.0' ? '1.0' : kind.payload;
    return [{ ...kind, payload, id: `${id}.${name}`, path: url, method: method === 'X-AMAZON-APIGATEWAY-ANY-METHOD' ? 'ANY' : method }];
  });
}

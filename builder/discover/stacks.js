/* The stacks of a project: its templates, those that the CDK's manifests name, and those that are nested in others; and what they
 * know of one another. */
import path from 'node:path';
import { andMore } from '../diagnostics.js';
import { stackFor } from './arn.js';
import { assetPath, cloudAssemblies } from './cdk.js';
import { namedTemplates, readSamConfig } from './sam_config.js';
import { parseTemplate, templateOf } from './sam_template.js';

/** SAM's own and CloudFormation's, and what the CDK has synthesized where no manifest says so. */
const TEMPLATE = /(^|\/)template\.(ya?ml|json)$/;
const SYNTHESIZED = /(^|\/)cdk\.out\/[^/]+\.template\.json$/;
const NESTED = { 'AWS::CloudFormation::Stack': 'TemplateURL', 'AWS::Serverless::Application': 'Location' };
const KINDS = { 'AWS::CloudFormation::Stack': 'a template', 'AWS::Serverless::Application': 'an application' };

/**
 * @param {import('./context.js').Context} context
 * @returns {import('./sam_template.js').Template[]} those that can be read, each before those that are nested in it
 */
export function readStacks(context) {
  const parsed = new Map();
  const read = (file) => {
    parsed.has(file) || parsed.set(file, parseTemplate(context, file));
    return parsed.get(file);
  };
  const found = wantedOf(context, stackFiles(context)).filter(({ file }) => read(file));
  const inside = new Set(found.flatMap(({ file }) => nestedFiles(context, file, read(file)).filter((other) => other !== file)));
  return found.filter(({ file }) => !inside.has(file)).flatMap((one) => withNested(context, read, one, []));
}

function stackFiles(context) {
  const { files } = context;
  const { folders, stacks } = cloudAssemblies(context);
  const isWithin = (file) => /(^|\/)cdk\.out\//.test(file) || folders.some((folder) => file.startsWith(`${folder}/`));
  const named = namedTemplates(context);
  const usual = files.list().filter((file) => TEMPLATE.test(file) && !isWithin(file) && !named.some((one) => one.file === file));
  const own = [...named, ...usual.map((file) => ({ file, ...readSamConfig(context, file) }))];
  const loose = files.list().filter((file) => SYNTHESIZED.test(file) && !folders.includes(path.posix.dirname(file)))
    .map((file) => ({ file, stack: path.posix.basename(file, '.template.json'), isSynthesized: true }));
  return [...own, ...loose, ...stacks];
}

/** Those that mayfly.json names, as where one class makes stages that have the same routes; what is nested goes with what it is in. */
function wantedOf({ project, config, diagnostics }, found) {
  const named = found.map((one) => ({ ...one, name: one.stack ?? stackFor(path.join(project, path.dirname(one.file))) }));
  const patterns = Array.isArray(config.stacks) ? config.stacks.map(String) : undefined;
  const none = (patterns ?? []).filter((pattern) => !named.some(({ name }) => path.matchesGlob(name, pattern)));
  if (none.length > 0) {
    const others = named.length > 0 ? `; there is ${andMore(named.map(({ name }) => name))}` : '';
    diagnostics.warn(`mayfly.json: stacks: there is no stack "${none[0]}"${others}`, { file: 'mayfly.json' });
  }
  return patterns ? named.filter(({ name }) => patterns.some((pattern) => path.matchesGlob(name, pattern))) : found;
}

function nestedFiles(context, file, { Resources: resources }) {
  return Object.values(resources).map((resource) => nestedFile(context, file, resource)).filter(Boolean);
}

/** Relative to the template; the CDK says it beside where it will be. */
function nestedFile(context, file, resource) {
  const said = NESTED[resource?.Type] && (assetPath(context, file, resource.Metadata) ?? resource.Properties?.[NESTED[resource.Type]]);
  const place = typeof said === 'string' ? path.posix.join(path.posix.dirname(file), said) : '';
  return context.files.has(place) ? place : undefined;
}

/** @param {string[]} above the files that it is nested in */
function withNested(context, read, { file, ...config }, above) {
  const template = { file, ...templateOf(read(file), context, { ...config, file }) };
  const inner = Object.entries(template.resources).filter(([, resource]) => NESTED[resource?.Type]).flatMap(([id, resource]) => {
    const place = nestedFile(context, file, resource);
    if (!place) {
      context.diagnostics.warn(`${file}: ${id}: ${KINDS[resource.Type]} that is not in this project does not run here`, { file });
    }
    const isCircle = [...above, file].includes(place);
    return place && !isCircle && read(place) ? inStack(context, read, template, { id, place, resource }, [...above, file]) : [];
  });
  return [template, ...inner];
}

function inStack(context, read, template, { id, place, resource }, above) {
  const given = resource.Properties?.Parameters ?? {};
  const parameter = (name, steps) => template.resolver.resolve(given[name], steps);
  const config = { file: place, stack: `${template.stack}-${id}`, parameter, isSynthesized: template.isSynthesized };
  const [first, ...others] = withNested(context, read, config, above);
  template.resolver.nested.set(id, first.resolver);
  return [first, ...others];
}

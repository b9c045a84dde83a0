/* The variables of the Serverless Framework: `${self:custom.stage, 'dev'}`. */
import { ACCOUNT, regionOf } from './arn.js';

export const DEFAULT_STAGE = 'dev';
const DEPTH_MAX = 20;
/** A kind with its argument, or a literal; what has neither, such as `${AWS::Region}`, is CloudFormation's. */
const REFERENCE = /\$\{(\s*(?:\w+(?:\([^)${}]*\))?:(?!:)|['"]|file\(|strToBool\()[^${}]*)\}/;

/**
 * @param {object} service as it is written
 * @param {Record<string, string>} env
 * @param {(name: string) => Promise<any>} inFile what a file beside it says; undefined when that is not known
 * @returns {Promise<object>} with its variables' values; undefined stands for those that are not known
 */
export function serviceWithValues(service, env, inFile) {
  return new Values(service, env, inFile).all();
}

class Values {
  constructor(service, env, inFile) {
    Object.assign(this, { service, env, inFile });
  }

  all() {
    return this.#resolve(this.service, 0);
  }

  async #resolve(value, depth) {
    if (depth > DEPTH_MAX) {
      return undefined;
    }
    if (typeof value === 'string') {
      return this.#text(value, depth);
    }
    if (Array.isArray(value)) {
      return Promise.all(value.map((entry) => this.#resolve(entry, depth)));
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(async ([key, entry]) => [key, await this.#resolve(entry, depth)]);
      return Object.fromEntries(await Promise.all(entries));
    }
    return value;
  }

  /** The innermost first; one that is the whole text keeps its type, one that is not known makes all of it unknown. */
  async #text(text, depth) {
    const match = REFERENCE.exec(text);
    if (!match) {
      return text;
    }
    const value = await this.#either(match[1].split(',').map((part) => part.trim()), depth + 1);
    if (match[0] === text || value === undefined) {
      return value;
    }
    return this.#text(text.slice(0, match.index) + String(value) + text.slice(match.index + match[0].length), depth + 1);
  }

  /** `${self:a.b, opt:c, 'otherwise'}` */
  async #either(sources, depth) {
    for (const source of sources) {
      const value = await this.#source(source, depth);
      if (value !== undefined && value !== null) {
        return value;
      }
    }
    return undefined;
  }

  async #source(source, depth) {
    const literal = /^(['"])(.*)\1$/.exec(source);
    if (literal) {
      return literal[2];
    }
    if (/^(true|false|-?\d+(\.\d+)?)$/.test(source)) {
      return JSON.parse(source);
    }
    const [, kind, argument] = /^([\w]+(?:\([^)]*\))?):?(.*)$/.exec(source) ?? [];
    const file = /^file\(([^)]*)\)$/.exec(kind ?? '');
    if (file) {
      return this.#pick(await this.inFile(file[1]), argument, depth);
    }
    const flag = /^strToBool\(['"]?(true|false|0|1)['"]?\)$/.exec(kind ?? '');
    if (flag) {
      return ['true', '1'].includes(flag[1]);
    }
    const kinds = {
      self: () => this.#pick(this.service, argument, depth),
      env: () => this.env[argument],
      opt: () => undefined, /* of its command line */
      sls: () => (argument === 'stage' ? this.#stage(depth) : undefined),
      param: () => this.#parameter(argument, depth),
      aws: () => ({ region: regionOf(this.env), accountId: ACCOUNT })[argument],
    };
    return Object.hasOwn(kinds, kind ?? '') ? kinds[kind]() : undefined;
  }

  /** Its stage's own, or what all stages have. */
  async #parameter(name, depth) {
    const { params } = this.service;
    return this.#resolve(params?.[await this.#stage(depth)]?.[name] ?? params?.default?.[name], depth);
  }

  async #stage(depth) {
    return (await this.#resolve(this.service.provider.stage, depth)) ?? DEFAULT_STAGE;
  }

  /** What is on the way may itself be a reference: `custom: ${file(custom.yml)}`. */
  async #pick(object, steps, depth) {
    let value = object;
    for (const key of steps.split('.').filter(Boolean)) {
      value = (typeof value === 'string' ? await this.#resolve(value, depth) : value)?.[key];
    }
    return this.#resolve(value, depth);
  }
}

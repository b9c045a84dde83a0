/* Bundles a group: one file for its CommonJS endpoints, one for its ES module or, if there are several, one for each module of the
 * project that they are made of (own_files.js). Contexts are kept between builds.
 *
 * An endpoint is an ES module when its file or its package says so, or when its graph has top-level await; all
 * others go to the CommonJS bundle, which Node.js loads faster and whose default imports follow `__esModule`, as
 * webpack and TypeScript have it. The artifact's entry exports the thunks of both. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { fromEsbuild } from '../diagnostics.js';
import { isWithin } from '../files.js';
import { isOfProject, outsideText } from './bounds.js';
import { edgeModulesPlugin, edgeOptions } from './edge.js';
import { ENTRY, bytesPlugin, entryPlugin, importsPlugin, placesPlugin } from './plugins.js';
import { layersPlugin } from './layers.js';
import { CHUNK_NAMES, PARTS, filesInOrder, partsOf, partsSource } from './own_files.js';
import { PackageMap } from './packages.js';
import { workerModulesPlugin, workerOptions } from './worker.js';

const ESM_BANNER = [
  "import { createRequire as ___createRequire } from 'node:module';",
  'const require = ___createRequire(import.meta.url);',
  'const ___mayfly_dirname = import.meta.dirname;',
].join('\n');
const CJS_BANNER = 'const ___mayfly_dirname = __dirname;';
/* What esbuild begins a module of the bundle with; names are others where the project has these. */
const INIT = /^var __esm = \((\w+), (\w+), (\w+)\) =>([^]*?)throw \3 = \[(\w+)\], \5;/m;
/* And what it makes of import() of such a module. */
const LAZY = /\bPromise\.resolve\(\)\.then\((\(\) => \(init_[\w$]+\(\), (?:__toCommonJS\([\w$]+\)|[\w$]+)\))\)/g;
const LOAD_AWAITED = 'require("/var/runtime/js/awaited_imports.js").loadAwaited';
const TOP_LEVEL_AWAIT = /top-level await/i;

/**
 * @typedef {object} Bundle
 * @property {Map<string, Uint8Array>} files of the artifact
 * @property {string} entry
 * @property {Map<string, import('../diagnostics.js').Diagnostic>} broken by module
 * @property {import('../diagnostics.js').Diagnostic[]} diagnostics
 * @property {import('./installed.js').Mount[]} mounts
 * @property {string[]} inputs absolute paths of the user's files in it
 */

export class Bundler {
  #folder; /* the project's real path */
  #contexts = new Map();
  #packages;
  #placed = new Map();
  #last = new Map();

  constructor(project) {
    this.project = project;
    this.#folder = realpathSync(project);
    this.#packages = new Map();
  }

  /**
   * @param {import('../project.js').Draft} draft
   * @param {{ file: string, structure: boolean }[]} changes since the last call; none: everything may have changed
   * @returns {Promise<Bundle>}
   */
  async bundle(draft, changes) {
    const key = JSON.stringify([modulesOf(draft).map(({ module, source, imports }) => [module, source ?? imports]), draft.bundle, draft.root]);
    const last = this.#last.get(draft.name);
    if (last?.key === key && !this.#touches(last.bundle, changes)) {
      return last.bundle;
    }
    const bundle = await this.#fresh(draft);
    this.#last.set(draft.name, { key, bundle });
    return bundle;
  }

  /** Names that come or go may change what an import leads to, and so may some files that are no input. */
  #touches(bundle, changes) {
    const inputs = new Set(bundle.inputs);
    return (
      changes.length === 0 ||
      bundle.broken.size > 0 ||
      changes.some(({ file, structure }) =>
        structure || inputs.has(path.join(this.project, file)) || /(^|\/)(package|tsconfig[^/]*|jsconfig)\.json$/.test(file),
      )
    );
  }

  async #fresh(draft) {
    const packages = this.#packagesOf(draft);
    const state = { draft, packages, broken: new Map(), diagnostics: [], inputs: new Set(), files: new Map() };
    const all = modulesOf(draft);
    let esm = all.filter((endpoint) => isModule(this.project, endpoint, draft));
    let cjs = all.filter((endpoint) => !esm.includes(endpoint));

    const awaiting = await this.#build(state, 'cjs', cjs, esm.length > 0);
    if (awaiting.length > 0) {
      esm = all.filter((endpoint) => esm.includes(endpoint) || awaiting.includes(endpoint));
      cjs = cjs.filter((endpoint) => !awaiting.includes(endpoint));
      await this.#build(state, 'cjs', cjs, true);
    }
    await this.#build(state, 'esm', esm, cjs.length > 0);
    return {
      files: new Map([...packages.files(), ...state.files]),
      entry: cjs.length > 0 || esm.length === 0 ? '___mayfly.cjs' : '___mayfly.mjs',
      broken: state.broken,
      diagnostics: state.diagnostics,
      mounts: packages.mounts(),
      inputs: [...state.inputs].sort(),
    };
  }

  async close() {
    await Promise.all([...this.#contexts.values()].map(({ context }) => context.dispose()));
    this.#contexts.clear();
  }

  #packagesOf(draft) {
    if (!this.#packages.has(draft.name)) {
      this.#packages.set(draft.name, new PackageMap(draft.root ?? this.project));
    }
    this.#packages.get(draft.name).refresh();
    return this.#packages.get(draft.name);
  }

  /** @returns {Promise<object[]>} endpoints that need top-level await, when asked for cjs */
  async #build(state, format, endpoints, hasOther) {
    const slot = await this.#context(state, format, isSplit(state.draft, format, endpoints));
    const linked = format === 'cjs' && hasOther ? modulesOf(state.draft).filter((e) => !endpoints.includes(e)) : [];
    if (endpoints.length === 0 && linked.length === 0) {
      return [];
    }
    slot.source = entrySource(this.project, format, endpoints, linked);
    slot.assets.clear();
    slot.file = format === 'cjs' ? '___mayfly.cjs' : hasOther ? '___mayfly_esm.mjs' : '___mayfly.mjs';
    try {
      this.#take(state, slot, await this.#rebuild(state, slot));
      return [];
    } catch (error) {
      if (!error.errors) {
        throw error;
      }
      return this.#isolate(state, slot, format, endpoints, linked);
    }
  }

  /** Something in the group does not build: find out whose fault it is, and build the others without it. */
  async #isolate(state, slot, format, endpoints, linked) {
    const faults = await Promise.all(endpoints.map((endpoint) => this.#faultsOf(state, format, endpoint)));
    const awaiting = endpoints.filter((_, i) => format === 'cjs' && faults[i].some(isTopLevelAwait));
    if (awaiting.length > 0) {
      return awaiting;
    }
    endpoints.forEach((endpoint, i) => {
      if (faults[i].length > 0) {
        const diagnostics = faults[i].map((fault) => this.#diagnostic(fault, 'error'));
        state.broken.set(endpoint.module, diagnostics[0]);
        state.diagnostics.push(...diagnostics);
      }
    });
    const healthy = endpoints.filter((endpoint) => !state.broken.has(endpoint.module));
    slot.source = entrySource(this.project, format, healthy, linked);
    slot.parts &&= [];
    const built = await this.#rebuild(state, slot).catch((error) => (slot.parts ? null : Promise.reject(error)));
    await (built ? this.#take(state, slot, built) : this.#inOneFile(state, slot, format));
    return [];
  }

  /** An endpoint that is `export *` of a package hides its names from the project's other modules, when each has a file. */
  async #inOneFile(state, { source, file }, format) {
    const slot = Object.assign(await this.#context(state, format, false), { source, file });
    slot.assets.clear();
    this.#take(state, slot, await this.#rebuild(state, slot));
  }

  /** Which modules there are is known when they have been bundled: but for the first time, and changed imports, it was known before. */
  async #rebuild(state, slot) {
    slot.parts = slot.parts?.filter((part) => existsSync(path.join(this.project, part)));
    const result = this.#bounded(state, await slot.context.rebuild());
    const parts = slot.parts && partsOf(result.metafile, `mayfly:${ENTRY}`);
    if (!parts || parts.join('\0') === slot.parts.join('\0')) {
      return result;
    }
    slot.parts = parts;
    return this.#bounded(state, await slot.context.rebuild());
  }

  /** @returns {Promise<esbuild.Message[]>} why an endpoint alone does not build */
  async #faultsOf(state, format, endpoint) {
    const slot = { source: entrySource(this.project, format, [endpoint], []) };
    try {
      this.#bounded(state, await esbuild.build(this.#options(state, format, slot)));
      return [];
    } catch (error) {
      return error.errors ?? [{ text: error.message, notes: [], location: null }];
    }
  }

  /** @returns {esbuild.BuildResult} what was made of the project's files; of others it fails, as with any fault of an endpoint */
  #bounded({ packages: { installed } }, result) {
    const { inputs } = result.metafile;
    const outside = Object.keys(inputs).filter((input) => {
      const file = this.#fileOf(input);
      return file && !isOfProject(this.#folder, file, installed);
    });
    if (outside.length === 0) {
      return result;
    }
    const errors = outside.map((input) => {
      const [importer, original] = importOf(inputs, input);
      return { text: outsideText(this.#folder, this.#fileOf(input), importer, original), notes: [], location: null };
    });
    throw Object.assign(new Error(errors[0].text), { errors });
  }

  /** The file that an input was read from, links followed; null: none. */
  #fileOf(input) {
    const file = input.replace(/^mayfly-(?:module|bytes):/, '');
    return /^(?:[a-z-]+|\(disabled\)):/.test(file) ? null : path.resolve(this.project, file);
  }

  /** A place in a file that was transformed on its way in is one in the user's text. */
  #diagnostic(message, severity) {
    const { location } = message;
    const file = location && path.resolve(this.project, location.file);
    const placed = this.#placed.get(file);
    if (!placed?.map) {
      return fromEsbuild(message, severity, this.project);
    }
    const entry = new SourceMap(placed.map).findEntry(location.line - 1, location.column);
    const { originalLine: line, originalColumn: column } = entry;
    if (line === undefined) {
      return fromEsbuild(message, severity, this.project);
    }
    const lineText = placed.text.split('\n')[line] ?? '';
    return fromEsbuild({ ...message, location: { ...location, line: line + 1, column, lineText } }, severity, this.project);
  }

  #take(state, slot, result) {
    for (const file of slot.parts ? filesInOrder(result, '___mayfly_bundle.mjs') : result.outputFiles) {
      const name = path.basename(file.path).replace(/^___mayfly_bundle\.m?js/, slot.file);
      const contents = /\.cjs$/.test(name) ? withSecondTries(file.contents) : file.contents;
      const meant = state.draft.dialect === 'next' && /\.[cm]js$/.test(name) ? withMeantDefaults(contents) : contents;
      state.files.set(name, withMapName(meant, slot.file, name));
    }
    for (const file of Object.keys(result.metafile.inputs).map((input) => this.#fileOf(input))) {
      if (file && !file.includes('/node_modules/')) {
        state.inputs.add(file);
      }
    }
    /* What is said of code that was built before is nothing that the user has written. */
    const isOurs = ({ location }) => location?.file.startsWith('mayfly:');
    const warnings = state.draft.bundle?.built ? [] : result.warnings.filter((warning) => !isOurs(warning));
    state.diagnostics.push(...warnings.map((warning) => this.#diagnostic(warning, 'warning')));
    slot.assets?.forEach((contents, name) => state.files.set(name, contents));
  }

  async #context(state, format, split) {
    const key = `${state.draft.name}\0${format}`;
    const settings = JSON.stringify([state.draft.bundle, state.draft.root, split]);
    const known = this.#contexts.get(key);
    if (known?.settings === settings) {
      return known;
    }
    await known?.context.dispose();
    const slot = { source: '', settings, parts: split ? [] : null };
    slot.context = await esbuild.context(this.#options(state, format, slot));
    this.#contexts.set(key, slot);
    return slot;
  }

  /** @returns {esbuild.BuildOptions} */
  #options({ draft, packages }, format, slot) {
    const worker = draft.dialect === 'worker';
    const root = draft.root ?? this.project;
    const layers = draft.bundle?.layers ?? [];
    const edge = draft.bundle?.edge === true;
    slot.assets = new Map();
    return {
      entryPoints: [{ in: ENTRY, out: '___mayfly_bundle' }, ...(slot.parts ? [{ in: PARTS, out: '___mayfly_parts' }] : [])],
      /* The output seems to lie in the folder that becomes /var/task: source maps name files relative to it. */
      outdir: root,
      ...(slot.parts ? { splitting: true, chunkNames: CHUNK_NAMES, outExtension: { '.js': '.mjs' } } : {}),
      absWorkingDir: this.project,
      bundle: true,
      write: false,
      metafile: true,
      logLevel: 'silent',
      platform: 'node',
      target: 'node26',
      format,
      sourcemap: 'linked',
      sourcesContent: false,
      keepNames: true,
      jsx: 'automatic',
      loader: { '.node': 'copy' },
      banner: { js: format === 'esm' ? ESM_BANNER : CJS_BANNER },
      ...(worker ? workerOptions(draft.bundle) : edge ? edgeOptions(draft) : {}),
      plugins: [
        entryPlugin(this.project, () => slot.source, (name) => partsSource(name, slot.parts)),
        bytesPlugin(this.project),
        workerModulesPlugin(draft, slot.assets),
        layersPlugin(layers),
        ...(edge ? [edgeModulesPlugin()] : []),
        importsPlugin({ project: this.project, root, packages, dialect: draft.dialect, whole: worker || edge, layers }),
        placesPlugin(root, this.#placed, {
          isNext: draft.dialect === 'next' || draft.dialect === 'middleware',
          packages: worker || edge ? null : packages,
          mayFetch: edge && ((file) => isOfProject(this.#folder, realpathSync(file), packages.installed)),
        }),
      ],
    };
  }
}

/** Its endpoints and, first, what is loaded before them. */
function modulesOf({ setup, endpoints }) {
  return setup ? [setup, ...endpoints] : endpoints;
}

/** @returns {[string, string]} one of those that import it, and as what */
function importOf(inputs, input) {
  for (const [importer, { imports }] of Object.entries(inputs)) {
    const found = imports.find(({ path: imported }) => imported === input);
    if (found) {
      return [importer.startsWith('mayfly:') ? 'the project' : importer, found.original ?? input];
    }
  }
  return ['the project', input];
}

function isTopLevelAwait(message) {
  return TOP_LEVEL_AWAIT.test(message.text);
}

/** @returns {string} the virtual module that holds the thunks; paths are relative, so that a move changes no digest */
function entrySource(project, format, endpoints, linked) {
  const call = format === 'cjs' ? 'require' : 'import';
  const thunks = endpoints.map(({ module, source, imports }) => [
    module, imports ? setupThunk(imports, project) : `() => ${call}(${quote(`./${path.relative(project, source)}`)})`,
  ]);
  const links = linked.map(({ module }) => [
    module, `() => import('./___mayfly_esm.mjs').then((other) => other.modules[${quote(module)}]())`,
  ]);
  /* Several endpoints may share a module: a function URL and an API's event. */
  const members = [...new Map([...thunks, ...links])].map(([module, thunk]) => `  ${quote(module)}: ${thunk},`);
  return `export const modules = {\n${members.join('\n')}\n};\n`;
}

/** Workers and edge functions are bundled with their packages: what their imports lead to is known. */
function isSplit({ dialect, bundle }, format, endpoints) {
  const modules = new Set(endpoints.map(({ module }) => module));
  return format === 'esm' && modules.size > 1 && dialect !== 'worker' && bundle?.edge !== true;
}

/** What lies elsewhere than in the project (a layer's, in /opt) is there when it runs. */
function setupThunk(imports, project) {
  const calls = imports.map(({ kind, specifier }) => {
    const isElsewhere = path.isAbsolute(specifier) && !isWithin(specifier, project);
    const named = path.isAbsolute(specifier) && !isElsewhere ? `./${path.relative(project, specifier)}` : specifier;
    return `await ${kind}(${isElsewhere ? `String(${quote(named)})` : quote(named)});`;
  });
  return `async () => { ${calls.join(' ')} }`;
}

function quote(text) {
  return JSON.stringify(text);
}

/**
 * What a file of "type": "module" imports as the default of a CommonJS module is to esbuild what it is to Node.js, all that the module exports. To
 * Next.js's bundler it is the export of that name, if a compiler has made the module of one with such an export. No place in the file moves.
 */
function withMeantDefaults(contents) {
  const code = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength).toString('latin1');
  return Buffer.from(code.replace(/(?<=[\w$]+ = __toESM\(require\w*\(.*\), )1(?=\);$)/gm, '0'), 'latin1');
}

/**
 * A module of the bundle that has failed fails for good, but for what the runtime mends and tries again: that a package which it requires is to be
 * waited for (runtime/js/awaited_imports.js). No line moves.
 */
function withSecondTries(contents) {
  const code = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength).toString('latin1');
  const lazy = code.replace(LAZY, (whole, load) => `Promise.resolve(${load}).then(${LOAD_AWAITED})`);
  return Buffer.from(lazy.replace(INIT, (whole, fn, res, failed, body, error) => `var __esm = (${fn}, ${res}, ${failed}, again = ${fn}) =>`
    + `${body}throw ${error}?.code === "ERR_REQUIRE_ASYNC_MODULE" ? ${fn} = again : ${failed} = [${error}], ${error};`), 'latin1');
}

/** The comment that names the map is written for the file's name in the build, not in the artifact. */
function withMapName(contents, file, name) {
  if (name !== file) {
    return contents;
  }
  const comment = Buffer.from('//# sourceMappingURL=___mayfly_bundle.');
  const body = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength);
  const at = body.lastIndexOf(comment);
  return at < 0 ? contents : Buffer.concat([body.subarray(0, at), Buffer.from(`//# sourceMappingURL=${file}.map\n`)]);
}

function isModule(project, { source, imports }, { dialect, settings }) {
  if (imports) {
    return true; /* it waits for each */
  }
  if (dialect === 'worker') {
    return settings.format !== 'service-worker'; /* as wrangler has it: whatever a module brings along is strict too */
  }
  if (dialect === 'next') {
    return false; /* its bundler makes no difference: but for top-level await all is CommonJS */
  }
  const extension = path.extname(source);
  if (extension === '.mjs' || extension === '.mts') {
    return true;
  }
  return extension !== '.cjs' && extension !== '.cts' && packageType(path.dirname(source), project) === 'module';
}

function packageType(folder, project) {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      return JSON.parse(readFileSync(path.join(at, 'package.json'), 'utf8')).type;
    } catch (error) {
      if (error.code !== 'ENOENT') {
        return undefined;
      }
    }
    if (at === project || at === path.dirname(at)) {
      return undefined;
    }
  }
}

/* One project: discovers its functions, bundles them, and writes the manifest that doc/manifest.md describes. */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ArtifactStore, digestFiles, digestJson, sizeOfFiles } from './artifact.js';
import { Bundler } from './bundle/esbuild.js';
import { addHtmlRewriter } from './bundle/html_rewriter.js';
import { Installed } from './bundle/installed.js';
import { traceAssets } from './bundle/trace.js';
import { Diagnostics, withoutRepeats } from './diagnostics.js';
import { discover } from './discover/all.js';
import { readConfig } from './discover/mayfly_json.js';
import { isBeingBuilt } from './discover/vercel_output.js';
import { readVolumes, volumeMounts } from './discover/volumes.js';
import { checkEnvSchema, readEnvFiles, shellVariables } from './env.js';
import { Files, isUnwatchedFolder, isWithin, VERCEL_OUTPUT } from './files.js';
import { withSendableHeaders } from './routes/headers.js';
import { orderRoutes, resolveRoutes } from './routes/order.js';

/**
 * @typedef {object} Endpoint see doc/manifest.md; `source` is the absolute file its module is
 *
 * @typedef {object} Setup
 * @property {string} module
 * @property {string} [source] absolute; else
 * @property {{ kind: 'import'|'require', specifier: string }[]} [imports] what it loads, one after the other: packages and absolute files
 *
 * @typedef {object} Draft a function before it is bundled: the fields of the manifest's Function, and
 * @property {string} name
 * @property {string} dialect
 * @property {Endpoint[]} endpoints
 * @property {'bundle'|'files'} [build] files: `files` is the artifact as it stands
 * @property {Setup} [setup] a module to load before those of the endpoints; its name becomes `settings.setup`
 * @property {object} [bundle] what its dialect tells the bundler
 * @property {import('./artifact.js').ArtifactFiles} [files]
 * @property {import('./bundle/installed.js').Mount[]} [packages] folders of packages that such files may load
 * @property {string} [root] the folder that becomes /var/task; absent: the project
 * @property {string[]} [include] globs of project files to copy into the artifact
 */

/** Limits of a function that says nothing; the platforms' own are set by their discovery. */
const DEFAULTS = {
  memory_mb: 1024, timeout_ms: 300_000, cpu_ms: 0, tmp_mb: 512, concurrency: 64, idle_s: 60, min_instances: 0,
  max_instances: 100, body_max_bytes: 0, response_max_bytes: 0,
};

/** What src/ipc/message.h has room for, less the artifact. */
const MOUNTS_MAX = 11;

/** Where a MinIO outside posts its events (doc/events.md). */
const MINIO_ROUTE = { path: '/minio/webhook', control: true, shown: '' };

export class Project {
  #lastGood = null;
  #lastSent = '';
  #told = new Set();
  #logged = new Set();

  /**
   * @param {{ project: string, out: string, watch: boolean, port: number }} options
   * @param {(level: string, text: string) => void} log
   */
  constructor(options, log) {
    this.options = options;
    this.log = log;
    this.files = new Files(options.project, options.out);
    this.bundler = new Bundler(options.project);
    this.store = new ArtifactStore(options.out);
  }

  /**
   * @param {{ file: string, structure: boolean }[]} changes since the last build
   * @returns {Promise<object|null>} the message for control, or null when nothing came of the changes
   */
  async build(changes) {
    const started = performance.now();
    this.files.invalidate(changes);
    const diagnostics = new Diagnostics();
    const manifest = await this.#manifest(diagnostics, changes);
    diagnostics.list = withoutRepeats(diagnostics.list);
    const message = this.#verdict(manifest, diagnostics.list);
    const text = JSON.stringify(message);
    if (text === this.#lastSent) {
      return null;
    }
    this.#lastSent = text;
    this.#markTold(diagnostics.list);
    return message.type === 'manifest'
      ? { ...message, build_ms: Math.round((performance.now() - started) * 10) / 10 }
      : message;
  }

  /** A warning that the build before had too is not news; an error is until it is mended. */
  #markTold(diagnostics) {
    const warnings = diagnostics.filter(({ severity }) => severity === 'warning');
    const keyOf = ({ file, text }) => `${file}\0${text}`; /* its line may have moved */
    const told = this.#told;
    this.#told = new Set(warnings.map(keyOf));
    warnings.filter((warning) => told.has(keyOf(warning))).forEach((warning) => Object.assign(warning, { told: true }));
  }

  /** What the build before said too is no news; and where it goes to a file of the project, each line would make a build. */
  #logNews(said, level, text) {
    said.add(text);
    if (!this.#logged.has(text)) {
      this.log(level, text);
    }
  }

  /** @param {string} file relative to the project, of which changes are nothing to build */
  ignores(file) {
    const { project, out } = this.options;
    return isUnwatchedFolder(file) || path.join(project, file) === out || this.files.isInVolume(file);
  }

  async close() {
    await this.bundler.close();
  }

  /** @returns {Promise<object|null>} null when nothing may start */
  async #manifest(diagnostics, changes) {
    const { project, watch } = this.options;
    const config = readConfig(this.files, diagnostics);
    this.files.setVolumes(readVolumes(config, project, diagnostics));
    const shell = watch ? shellVariables(process.env) : {};
    const envFiles = readEnvFiles(this.files, { development: watch, shell });
    const env = { ...envFiles, ...shell };
    const fault = checkEnvSchema(config.env, env);
    if (fault) {
      diagnostics.error(fault, { file: 'mayfly.json' });
      return null;
    }
    if (isBeingBuilt(this.files)) {
      diagnostics.warn(`${VERCEL_OUTPUT} is gone, as while it is built anew: what it was is served until it is there again`);
      return null;
    }
    const said = new Set();
    const context = {
      project, files: this.files, config, env, envFiles, shell, development: watch, port: this.options.port, diagnostics,
      log: (level, text) => this.#logNews(said, level, text),
    };
    const found = await discover(context);
    this.#logged = said;
    const own = found.drafts.map(() => new Diagnostics());
    const functions = await Promise.all(found.drafts.map((draft, i) => this.#assemble(draft, own[i], changes)));
    /* In the drafts' order and not as their bundles were finished: or a build would differ from the one before by that alone. */
    diagnostics.list.push(...own.flatMap(({ list }) => list));
    const ordered = resolveRoutes(orderRoutes(found.routes), functions).map((route) => withSendableHeaders(route, diagnostics));
    const routes = [...(found.events.minio ? [MINIO_ROUTE] : []), ...ordered];
    return { project, functions, routes, static: found.static, events: found.events };
  }

  async #assemble(draft, diagnostics, changes) {
    const { build = 'bundle', bundle: _bundle, root: _root, files, packages: _packages, include, setup, ...rest } = draft;
    const bundle = build === 'bundle' ? await this.#bundle(draft, diagnostics, changes) : bundleOf(files, draft);
    const extras = draft.dialect === 'worker' ? addHtmlRewriter(bundle.files) : {};
    const mounts = this.#mountsOf(draft, bundle, diagnostics);
    const mountPoints = mounts.map((mount) => mount.target);
    const broken = setup && bundle.broken.get(setup.module); /* then nothing after it can work */
    const contentDigest = digestFiles(bundle.files, mountPoints);
    const fn = {
      ...DEFAULTS,
      bindings: {},
      ...rest,
      settings: { ...rest.settings, ...(setup && !broken ? { setup: setup.module } : {}), ...extras },
      entry: bundle.entry,
      mounts,
      endpoints: draft.endpoints.map((endpoint) => finished(endpoint, broken ?? bundle.broken.get(endpoint.module))),
    };
    if (fn.min_instances > fn.max_instances) {
      const text = `minInstances of ${fn.name} is ${fn.min_instances}, and more than its maxInstances, ${fn.max_instances}: so many are kept`;
      diagnostics.warn(`mayfly.json: ${text}`, { file: 'mayfly.json' });
      fn.min_instances = fn.max_instances;
    }
    return {
      ...fn,
      artifact: this.store.write(draft.name, bundle.files, contentDigest, mountPoints),
      hash: digestJson([contentDigest, fn]),
      code_bytes: sizeOfFiles(bundle.files),
    };
  }

  /** Folders of packages come in the order of need, and are shown as far as there is room. */
  #mountsOf(draft, bundle, diagnostics) {
    const own = [...(draft.mounts ?? []), ...this.#volumesOf(draft, bundle, diagnostics)];
    const room = Math.max(0, MOUNTS_MAX - own.length);
    const left = bundle.mounts.slice(room).map(({ source }) => path.relative(this.options.project, source));
    if (left.length > 0) {
      const folders = left.join(', ');
      diagnostics.warn(`${draft.name} is not shown the packages in ${folders}: there is room for ${room} folders of packages`);
    }
    return [...bundle.mounts.slice(0, room).sort((a, b) => (a.target < b.target ? -1 : 1)), ...own];
  }

  /** Not where the function's own code lies: it would be able to write its successor. */
  #volumesOf(draft, { inputs = [] }, diagnostics) {
    const { project } = this.options;
    return volumeMounts(this.files.volumes, project, draft.root).filter(({ source }) => {
      const code = inputs.find((file) => isWithin(file, source));
      if (code) {
        const [volume, file] = [source, code].map((place) => path.relative(project, place));
        diagnostics.error(`mayfly.json: volumes: "${volume}" holds code of ${draft.name}: ${file}`, { file: 'mayfly.json' });
      }
      return !code;
    });
  }

  async #bundle(draft, diagnostics, changes) {
    const bundled = await this.bundler.bundle(draft, changes);
    const bundle = { ...bundled, files: new Map([...bundled.files, ...(draft.files ?? [])]) };
    diagnostics.list.push(...bundle.diagnostics);
    const { assets, hasCode } = await traceAssets(this.files, draft, bundle.inputs);
    if (hasCode && bundle.mounts.length === 0) {
      this.#showPackages(draft, bundle);
    }
    for (const file of assets) {
      const target = path.relative(draft.root ?? this.options.project, this.files.absolute(file));
      if (!target.startsWith('..') && !bundle.files.has(target)) {
        bundle.files.set(target, { copy: this.files.absolute(file) });
      }
    }
    return bundle;
  }

  /** Code beside the bundle may import what the bundle does not. */
  #showPackages(draft, bundle) {
    const { mounts, files } = new Installed(draft.root ?? this.options.project).whole;
    bundle.mounts = mounts;
    files.forEach((entry, name) => bundle.files.set(name, entry));
  }

  /** A change that breaks what worked is refused; what was broken before does not hold up the rest. */
  #verdict(manifest, diagnostics) {
    const broken = manifest ? brokenModules(manifest) : null;
    const regressed = broken && this.#lastGood && [...broken].some((key) => this.#lastGood.working.has(key));
    if (!manifest || regressed) {
      return { type: 'failed', diagnostics };
    }
    this.store.retire(manifest.functions.map((fn) => fn.artifact));
    this.#lastGood = { working: workingModules(manifest) };
    return { type: 'manifest', ...manifest, diagnostics };
  }
}

function bundleOf(files, draft) {
  return { files, entry: draft.entry, mounts: draft.packages ?? [], broken: new Map() };
}

function finished({ source: _source, ...endpoint }, diagnostic) {
  const settings = { ...endpoint.settings, ...(diagnostic ? { broken: diagnostic } : {}) };
  return { methods: null, timeout_ms: 0, ...endpoint, settings };
}

function endpointKeys(manifest, wanted) {
  return new Set(
    manifest.functions.flatMap((fn) =>
      fn.endpoints.filter((e) => Boolean(e.settings.broken) === wanted).map((e) => `${fn.name}\0${e.module}`),
    ),
  );
}

const brokenModules = (manifest) => endpointKeys(manifest, true);
const workingModules = (manifest) => endpointKeys(manifest, false);

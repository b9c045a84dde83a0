/* Finds the functions of all platforms in one project and joins what they say. */
import { statSync } from 'node:fs';
import { nothing } from './context.js';
import { applyOverrides } from './mayfly_json.js';
import { discoverLambdas, lambdaAtRoot } from './lambda.js';
import { discoverNetlify } from './netlify.js';
import { discoverNext } from './next.js';
import { discoverServer } from './server.js';
import { tellPassedOver } from './passed_over.js';
import { discoverVercel } from './vercel.js';
import { servesOutput } from './vercel_output.js';
import { discoverWorkers } from './worker.js';
import { addRoutes } from '../routes/order.js';
import { addEvents } from '../events/found.js';
import { finishEvents } from '../events/finish.js';
import { samEvents } from '../events/sam.js';
import { terraformEvents } from '../events/terraform.js';
import { vercelEvents } from '../events/vercel.js';

/** The server comes last: it takes a folder only if nothing else claims it. */
const DISCOVERERS = [
  discoverNext, discoverVercel, discoverNetlify, discoverLambdas, discoverWorkers, discoverServer, discoverEvents,
];

/**
 * @param {import('./context.js').Context} context
 * @returns {Promise<import('./context.js').Found>}
 */
export async function discover(context) {
  const all = nothing();
  for (const discoverer of DISCOVERERS) {
    const found = await attempt(discoverer, context, all);
    if (found.compress) {
      [...found.drafts, ...found.static].forEach((entry) => Object.assign(entry, { compress: true }));
    }
    all.drafts.push(...found.drafts);
    all.static.push(...found.static);
    all.apiLeadsPast ||= found.apiLeadsPast;
    all.notRun.push(...found.notRun);
    addRoutes(all.routes, found.routes);
    addEvents(all.events, found.events);
  }
  all.static = uniqueFolders([...all.static, ...publicFolder(context, all.drafts)]).map(withAge);
  lambdaAtRoot(all);
  tellPassedOver(context, all);
  applyOverrides(all.drafts, context);
  all.events = finishEvents(all.events, all, context);
  return all;
}

/** Events of files that no function stands for; Workers and Netlify functions bring their own. */
async function discoverEvents(context, sofar) {
  const found = nothing();
  for (const events of [vercelEvents(context, sofar.routes), await terraformEvents(context), samEvents(context)]) {
    addEvents(found.events, events);
  }
  return found;
}

/** A fault of ours while reading one platform's files must not take the other platforms down. */
async function attempt(discoverer, context, sofar) {
  try {
    return await discoverer(context, sofar);
  } catch (error) {
    context.diagnostics.error(`could not read this project's configuration: ${error.message}`);
    context.log('error', error.stack);
    return nothing();
  }
}

/** A plain server serves its own files, in its own way; a build has what is public in it. */
function publicFolder(context, drafts) {
  const { files, project } = context;
  if (drafts.some(({ dialect }) => dialect === 'server') || servesOutput(context)) {
    return [];
  }
  const some = files.list().some((file) => file.startsWith('public/'));
  const compress = drafts.some((draft) => draft.compress);
  return some ? [{ prefix: '/', directory: `${project}/public`, ...(compress ? { compress } : {}) }] : [];
}

/** A build that makes its folder anew makes another one: it has to be opened again. */
function withAge(folder) {
  const { ino, birthtimeMs } = statSync(folder.directory, { throwIfNoEntry: false }) ?? {};
  return ino === undefined ? folder : { ...folder, made: `${ino}-${birthtimeMs}` };
}

function uniqueFolders(list) {
  return list.filter((entry, i) => list.findIndex((other) => other.directory === entry.directory) === i);
}

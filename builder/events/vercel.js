/* Crons of vercel.json, and of what was built for Vercel: a request to a path of the project. */
import { readVercelJson } from '../discover/vercel_json.js';
import { builtCrons } from '../discover/vercel_output.js';
import { faultOfVercel } from './cron.js';
import { emptyEvents, tellError, tellWarning } from './found.js';

/**
 * @param {import('../discover/context.js').Context} context
 * @param {Record<string, object[]>} routes of all platforms, by phase
 * @returns {import('./found.js').Events}
 */
export function vercelEvents(context, routes) {
  const events = emptyEvents();
  const own = readVercelJson(context).crons.map((cron) => ({ ...cron, declared: { file: 'vercel.json', what: `crons[${cron.at}]` } }));
  const isOwn = (built) => own.some(({ path, schedule }) => path === built.path && schedule === built.schedule);
  for (const { path, schedule, declared } of [...own, ...builtCrons(context).filter((cron) => !isOwn(cron))]) {
    const fault = faultOfVercel(schedule);
    if (fault) {
      tellError(context.diagnostics, declared, fault);
      continue;
    }
    if (!isAnswered(routes, path.split('?')[0])) {
      tellWarning(context.diagnostics, declared, `no function answers ${path}: each run will be a 404`);
    }
    events.schedules.push({
      name: path,
      platform: 'vercel',
      expression: schedule,
      timezone: 'UTC',
      enabled: true,
      catch_up: 'once',
      start_ms: 0,
      end_ms: 0,
      target: { path },
      declared,
    });
  }
  return events;
}

/** Whether a route takes the path somewhere but to a page that says 404. Patterns that JavaScript cannot read get the benefit of the doubt. */
function isAnswered(routes, path) {
  const leads = ({ target, dest, location, external, status }) => (target || dest || location || external) && status !== 404;
  return Object.values(routes)
    .flat()
    .some((route) => leads(route) && !route.host && matches(route, path));
}

function matches({ path: literal, src }, path) {
  if (literal !== undefined) {
    return literal === path;
  }
  try {
    return new RegExp(src.replace(/^\(\?i\)/, ''), 'i').test(path);
  } catch {
    return true;
  }
}

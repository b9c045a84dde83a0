/* Netlify's scheduled and background functions, and Blobs. */
import { emptyEvents, tellError } from './found.js';
import { faultOfNetlify } from './cron.js';

/** After a minute, and after two more. */
const BACKGROUND = { max_retries: 2, retry_delays_s: [60, 120] };

/** Holds the stores of @netlify/blobs: src/control/s3/s3_blobs.h. */
const BLOBS = 'netlify-blobs';

/**
 * @param {import('../diagnostics.js').Diagnostics} diagnostics
 * @param {import('../project.js').Draft[]} drafts
 * @returns {import('./found.js').Events}
 */
export function netlifyEvents({ diagnostics }, drafts) {
  const events = emptyEvents();
  if (drafts.length > 0) {
    const declared = { file: drafts[0].endpoints[0].file, what: 'Netlify Blobs' };
    events.buckets.push({ name: BLOBS, versioning: false, cors: [], eventbridge: false, declared, notifications: [] });
  }
  for (const draft of drafts) {
    for (const endpoint of draft.endpoints) {
      const { background, config, function_name: name } = endpoint.settings;
      const declared = { file: endpoint.file, what: name };
      if (typeof config?.schedule === 'string') {
        addSchedule(diagnostics, events, { draft, endpoint, declared });
      } else if (background) {
        events.routes.push({ function: draft.name, module: endpoint.module, background: BACKGROUND, declared });
      }
    }
  }
  return events;
}

function addSchedule(diagnostics, events, { draft, endpoint, declared }) {
  const { config, function_name: name } = endpoint.settings;
  const fault = faultOfNetlify(config.schedule);
  if (fault) {
    tellError(diagnostics, declared, fault);
    return;
  }
  events.schedules.push({
    name,
    platform: 'netlify',
    expression: config.schedule,
    timezone: 'UTC',
    enabled: true,
    catch_up: 'once',
    start_ms: 0,
    end_ms: 0,
    target: { function: draft.name, path: endpoint.name },
    declared,
  });
}

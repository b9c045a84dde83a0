/* Which names AWS's services accept, as their APIs' models have them. A project that AWS would refuse is told here, too. */
import { tellError } from './found.js';

const EVENTS = { is: /^[\w.-]{1,64}$/, rule: 'letters, digits, ., - and _, at most 64' };
const QUEUE = { is: /^(?=.{1,80}$)[\w-]+(\.fifo)?$/, rule: 'letters, digits, - and _, at most 80' };

const KINDS = {
  'a bucket': { is: /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, rule: '3 to 63 of small letters, digits, - and .' },
  'a queue': QUEUE,
  'a queue that is not FIFO': { ...QUEUE, is: /^[\w-]{1,80}$/ },
  'a FIFO queue, which ends in .fifo': { ...QUEUE, is: /^(?=.{1,80}$)[\w-]+\.fifo$/ },
  'an event bus': { is: /^[\w./-]{1,256}$/, rule: 'letters, digits, ., -, _ and /, at most 256' },
  'a rule': EVENTS,
  'a schedule': EVENTS,
  'a schedule group': EVENTS,
  'a connection': EVENTS,
  'an API destination': EVENTS,
};

/**
 * Tells what is not.
 * @param {import('../diagnostics.js').Diagnostics} diagnostics
 * @param {import('./found.js').Declared} declared
 * @param {keyof typeof KINDS} kind
 */
export function isName(diagnostics, declared, kind, name) {
  const { is, rule } = KINDS[kind];
  const isOne = is.test(name);
  isOne || tellError(diagnostics, declared, `"${name}" is no name of ${kind}: ${rule}`);
  return isOne;
}

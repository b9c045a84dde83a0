/* 500 requests at once to a Lambda function that nothing runs for yet, takes a tenth of a second, and serves one request at a
 * time: from the first byte sent to the last answer. */
import { Connection } from '../lib/client.js';
import { startMayfly, untilNoInstance } from '../lib/mayfly.js';
import { median } from '../lib/stats.js';
import { ms, printTable } from '../lib/table.js';

const REQUESTS = 500;
const BUDGET_MS = 2000;

export async function measure({ quick }) {
  const mayfly = await startMayfly('lambda', { idleSeconds: 0.2 });
  const bursts = [];
  try {
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      await untilNoInstance(mayfly);
      bursts.push(await burst(mayfly));
    }
  } finally {
    await mayfly.stop();
  }
  return [report(bursts)];
}

async function burst(mayfly) {
  const connections = [];
  for (let i = 0; i < REQUESTS; i++) {
    connections.push(await Connection.open(mayfly.port));
  }
  const begin = performance.now();
  const answers = await Promise.all(connections.map((connection) => connection.request('/')));
  const took = performance.now() - begin;
  connections.forEach((connection) => connection.close());
  const wrong = answers.find(({ status }) => status !== 200);
  if (wrong) {
    throw new Error(`a request of the burst was answered ${wrong.status}: ${wrong.body}`);
  }
  const instances = new Set(answers.map(({ headers }) => headers['x-mayfly-instance']));
  return { took, instances: instances.size, median: median(answers.map((answer) => answer.ms)) };
}

function report(bursts) {
  printTable(`${REQUESTS} concurrent requests to a cold function, concurrency 1, 100 ms each`,
    ['', 'median answer', 'last answer', 'instances'],
    bursts.map((one, i) => [`burst ${i + 1}`, ms(one.median), ms(one.took), one.instances]));
  const took = median(bursts.map((one) => one.took));
  return { what: `${REQUESTS} concurrent requests, cold`, mayfly: ms(took), budget: ms(BUDGET_MS), met: took <= BUDGET_MS };
}

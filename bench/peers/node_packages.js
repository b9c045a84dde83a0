/* The same packages in plain Node.js: loaded at start, the answer sent through node:http. */
import { createServer } from 'node:http';
import { answerPackages } from '../projects/packages/packages.cjs';

createServer(async (request, response) => {
  const answer = answerPackages();
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(await answer.text());
}).listen(Number(process.env.PORT), '127.0.0.1');

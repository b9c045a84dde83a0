/* node:http as its own users write it: no Request, no Response. */
import { createServer } from 'node:http';
import { checkOrder } from '../projects/web/order.js';
import { answerDownload, answerEvents, answerUpload } from './node_bodies.js';

async function answerOrder(request, response) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  answerJson(response, checkOrder(JSON.parse(Buffer.concat(chunks).toString())));
}

function answerJson(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

const routes = {
  '/api/hello': (request, response) => answerJson(response, { hello: 'world' }),
  '/api/orders': answerOrder,
  '/api/upload': answerUpload,
  '/api/download': answerDownload,
  '/api/events': answerEvents,
};

createServer((request, response) => {
  const [path, query] = request.url.split('?');
  routes[path](request, response, new URLSearchParams(query));
}).listen(Number(process.env.PORT), '127.0.0.1');

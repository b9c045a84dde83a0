/* What the web-standard peers serve, at Mayfly's paths and with Mayfly's code. */
import { countUpload, download, events } from '../projects/web/bodies.js';
import { answerOrder } from '../projects/web/order.js';
import { hello } from './hello.js';

const routes = {
  '/api/hello': hello,
  '/api/orders': answerOrder,
  '/api/upload': countUpload,
  '/api/download': download,
  '/api/events': events,
};

export function route(request) {
  const answer = routes[new URL(request.url).pathname];
  return answer ? answer(request) : new Response('not found', { status: 404 });
}

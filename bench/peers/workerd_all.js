import { route } from './routes.js';

export default { fetch: route };

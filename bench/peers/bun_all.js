import { route } from './routes.js';

Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), maxRequestBodySize: 2 ** 40, fetch: route });

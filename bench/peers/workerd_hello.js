import { hello } from './hello.js';

export default { fetch: hello };

import { download } from '../../../bodies.js';

export const GET = download;

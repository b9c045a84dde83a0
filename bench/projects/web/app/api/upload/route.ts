import { countUpload } from '../../../bodies.js';

export const POST = countUpload;

import { cardea } from './cardea.mjs';

export default cardea('opaque', 'postgres');

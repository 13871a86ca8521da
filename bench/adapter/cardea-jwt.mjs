import { cardea } from './cardea.mjs';

export default cardea('jwt');

/** Formulas stand in ui/formula.tsx, since views show them too; the trail's files know them by this name. */
export { Formula, light, linked, lit } from '../ui/formula.tsx'

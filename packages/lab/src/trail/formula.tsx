/** Formulas stand in ui/formula.tsx, since views show them too; the trail's files know them by this name. */
export { Formula, linked, lit } from '../ui/formula.tsx'

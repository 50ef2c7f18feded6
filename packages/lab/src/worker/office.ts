/** Whom orders are carried out with, and how the page is told when one is done. The orders: orders.ts. */
import type { Desk, Live } from './desk.ts'
import type { OrderName, Orders } from './protocol.ts'
import { measure, type Trainer } from './trainer.ts'

export interface Office {
  readonly desk: Desk
  readonly trainer: Trainer
  /** Answers what is asked again and again. */
  refresh(live: Live): Promise<void>
}

export type Obeyer<O extends OrderName> = (office: Office, give: Orders[O]['give']) => Promise<Orders[O]['get']>

/** Tells the page about a run that changed by an order. */
export async function show({ trainer, refresh }: Office, live: Live): Promise<void> {
  await measure(live)
  trainer.report(live)
  await refresh(live)
}

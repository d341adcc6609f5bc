import type { Again } from '../../kube/reconcile/controller.ts';
import type { Context } from '../context.ts';
import type { DrainStep } from '../decide/drain.ts';
import type { NetworkView } from '../decide/view.ts';
import { saveLedger } from '../ledger/save-ledger.ts';
import { publish } from './publish.ts';

/**
 * Tells hosts what the step says, once the revisions that it needs stand in the ledger.
 * @returns when to come again, if they cannot be written yet
 */
export async function stopHosts(
  context: Context,
  view: NetworkView,
  step: DrainStep,
  signal: AbortSignal,
): Promise<Again | undefined> {
  if (step.bump.length > 0) {
    const raised = new Map(step.bump.map((entry) => [entry.hostName, entry]));
    const hosts = view.ledger.hosts.map((entry) => raised.get(entry.hostName) ?? entry);
    const saved = await saveLedger(context, view.object, view.ledger, { ...view.ledger, hosts }, signal);
    if (saved.kind === 'later') return { after: saved.ms };
  }
  publish(context, view, step.publish);
  return undefined;
}

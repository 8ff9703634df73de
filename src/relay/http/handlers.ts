import { toBase64Url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { limits, protocolVersion } from '../../wire/limits.ts'
import type { RelayAnchors } from '../data/relayData.ts'
import type { RelayLog } from '../log.ts'
import { checkKeys } from '../crypto/keyChecks.ts'
import type { Permits } from '../crypto/permits.ts'
import { issueSenderCertificate } from '../crypto/senderCertificates.ts'
import type { ServerSigner } from '../crypto/trustRoot.ts'
import type { LinkingPlace } from '../linking.ts'
import type { RelayStore } from '../store/store.ts'
import { anonymousBundle, anonymousPerson, drawPermits } from './anonymous.ts'
import type { BudgetLedger } from '../budgets/ledger.ts'
import type { SeenEntries } from '../budgets/seen.ts'
import type { RelayCounters } from '../counters.ts'
import type { RateLimits } from './budgets.ts'
import { deviceHandlers } from './devices.ts'
import { enrol, lookAtInvitation } from './enrolment.ts'
import { accountById, searchDirectory } from './directory.ts'
import { bundleAnswer, keySetOf } from './keys.ts'
import { linkHandlers } from './linking.ts'
import type { Handler, Handlers } from './registrar.ts'

export interface HandlerDeps {
  readonly store: RelayStore
  readonly anchors: RelayAnchors
  /** The signer in force, read again after `renew-certificate`. */
  readonly signer: () => Promise<ServerSigner>
  readonly rateLimits: RateLimits
  readonly ledger: BudgetLedger
  readonly seen: SeenEntries
  readonly counters: RelayCounters
  readonly permits: Permits
  readonly linking: LinkingPlace
  readonly devices: DeviceEvents
  readonly clock: Clock
  readonly log: RelayLog
}

/** What connections have to learn of a change that came by HTTP. */
export interface DeviceEvents {
  /** These are gone, by the store's numbers. */
  removed(devices: readonly number[]): void
  changed(accountId: string, revision: number): void
}

/** What the relay answers on each route. To add one: its entry in `src/wire/http.ts`, its handler here. */
export function handlers(deps: HandlerDeps): Handlers {
  const { store, anchors } = deps
  return {
    anchors: async ({ address }) => {
      await deps.rateLimits.stranger(address)
      return {
        relayId: anchors.relayId,
        organisation: anchors.organisation,
        protocolVersion,
        trustRoot: toBase64Url(anchors.trustRoot),
        zkPublicParams: toBase64Url(anchors.zkPublicParams),
      }
    },
    invitation: lookAtInvitation(deps),
    enrol: enrol(deps),
    uploadKeys: async ({ device, body }) => {
      const keys = keySetOf(body)
      checkKeys(device.identityKey, keys)
      return store.keys.upload(device.device, device.identityKey, keys)
    },
    keyCount: async ({ device }) => store.keys.count(device.device),
    bundle: anonymousBundle(deps),
    person: anonymousPerson(deps),
    ownBundle: async ({ device }) => {
      const by = { kind: 'own', except: device.device } as const
      await deps.ledger.spendUnasked(device, 'ownKeys')
      const outcome = await store.keys.takeBundle(device.accountId, by, deps.clock.now())
      if (outcome.kind !== 'taken') throw new CodedError('recipient.unknown')
      return bundleAnswer(outcome.bundle)
    },
    permits: drawPermits(deps),
    ...deviceHandlers(deps),
    ...linkHandlers(deps),
    directory: searchDirectory({ ...deps, accounts: store.accounts }),
    account: accountById({ ...deps, accounts: store.accounts }, store.people),
    certificate: certificate(deps),
  }
}

function certificate(deps: HandlerDeps): Handler<'certificate'> {
  return async ({ device }) => {
    // It would name an identity key that this device does not hold yet.
    if (!device.adopted) throw new CodedError('identity.superseded')
    const expiresAt = deps.clock.now() + limits.certificateMs
    const signed = issueSenderCertificate(await deps.signer(), {
      accountId: device.accountId,
      deviceId: device.deviceId,
      identityKey: device.identityKey,
      expiresAt,
    })
    return { certificate: toBase64Url(signed), expiresAt }
  }
}

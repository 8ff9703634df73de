import { createHash } from 'node:crypto'
import { canonicalJson } from '../base/canonicalJson.ts'
import { policies, policyNames, type PolicyName, type PolicyValue } from './policies.ts'

/** Who set a value: nobody, or the machine's administrator. */
export type PolicyOrigin = 'default' | 'machine'

export interface PolicySetting<T> {
  readonly value: T
  readonly origin: PolicyOrigin
}

/** What is in force, for every policy. Plain JSON, so that it crosses to a thread. */
export type EffectivePolicy = { readonly [N in PolicyName]: PolicySetting<PolicyValue<N>> }

/** What is in force on a machine that nobody manages. */
export function defaultPolicy(): EffectivePolicy {
  return effectivePolicy((name) => ({ value: policies[name].default, origin: 'default' }))
}

/** Builds the whole from a choice for each policy. */
export function effectivePolicy(
  choose: <N extends PolicyName>(name: N) => PolicySetting<PolicyValue<N>>,
): EffectivePolicy {
  return {
    RelayAddress: choose('RelayAddress'),
    RelayCertificatePin: choose('RelayCertificatePin'),
    RelayTlsEndsAtProxy: choose('RelayTlsEndsAtProxy'),
    RelayAnchors: choose('RelayAnchors'),
    AllowedRelays: choose('AllowedRelays'),
    RequirePassphrase: choose('RequirePassphrase'),
    PassphraseMinLength: choose('PassphraseMinLength'),
    MaximumDevices: choose('MaximumDevices'),
    HelpContact: choose('HelpContact'),
    LogLevel: choose('LogLevel'),
  }
}

/** Lower-case hex SHA-256 over the canonical JSON (RFC 8785) of what is in force; for the journal and reports. */
export function policyHash(effective: EffectivePolicy): string {
  const plain = Object.fromEntries(
    policyNames.map((name) => {
      const { value, origin } = effective[name]
      return [name, { value, origin }]
    }),
  )
  return createHash('sha256').update(canonicalJson(plain)).digest('hex')
}

/** The relay that the organisation has fixed, with all that an invitation would say of it. */
export interface ManagedRelay {
  readonly address: string
  /** Null for http on loopback only. */
  readonly certificatePin: string | null
  readonly tlsEndsAtProxy: boolean
  readonly anchors: string
}

/** Present only when policy says everything about the relay; then a code alone enrols. */
export function managedRelay(effective: EffectivePolicy): ManagedRelay | null {
  const address = effective.RelayAddress.value
  const certificatePin = effective.RelayCertificatePin.value
  const anchors = effective.RelayAnchors.value
  if (address === null || anchors === null || !relayAllowed(effective, address)) return null
  // As an invitation: a pin for https, none without TLS.
  if (address.startsWith('https:') !== (certificatePin !== null)) return null
  // Without TLS there is none to end.
  const tlsEndsAtProxy = certificatePin !== null && effective.RelayTlsEndsAtProxy.value
  return { address, certificatePin, tlsEndsAtProxy, anchors }
}

/** Whether policy lets this workstation contact the relay with this origin (SECURITY 10). */
export function relayAllowed(effective: EffectivePolicy, origin: string): boolean {
  const allowed = effective.AllowedRelays.value
  return allowed === null || allowed.includes(origin)
}

import type { Clock } from '../../base/clock.ts'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { linkHashOf } from '../accounts/linkHash.ts'
import { isEnded, type AccountRole } from '../accounts/standing.ts'
import { ownAct } from '../store/credentialActs.ts'
import type { AccountBudgets } from '../budgets/table.ts'
import type { Credential, CredentialUse, StepUpRequest } from '../store/credentialStore.ts'
import type { PersonRecord } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { Challenges, type Purpose } from './challenges.ts'
import { rightsOf } from './rights.ts'
import type { CreatedCredential, CreationOptions, RequestOptions, SignedCredential } from './routes.ts'
import {
  createdCredential,
  creationOptions,
  requestOptions,
  signedCounter,
  type RelyingParty,
} from './webauthn.ts'

export interface SecondFactorDeps {
  readonly store: Pick<RelayStore, 'credentials' | 'people' | 'acts'>
  /** For how long a limit stays open. */
  readonly budgets: AccountBudgets
  /** Known once the page is served. */
  readonly party: () => RelyingParty
  readonly clock: Clock
}

export interface SignedIn {
  readonly person: PersonRecord
  readonly credentialId: Bytes
}

type Refusal = 'signature' | 'disabled' | 'role' | 'account'

/**
 * Second factors: registered by an administrator's one-time link alone, shown to sign in or to go on past a soft limit.
 * What is refused throws `factor.link` or `factor.refused`, which do not say why; the journal does, where a credential
 * that is registered was named: strangers cannot make it grow.
 */
export class SecondFactor {
  readonly #deps: SecondFactorDeps
  readonly #challenges: Challenges

  constructor(deps: SecondFactorDeps) {
    this.#deps = deps
    this.#challenges = new Challenges(deps.clock)
  }

  async beginRegistration(link: Bytes): Promise<CreationOptions> {
    const { hash, person } = await this.#linked(link)
    const known = await this.#deps.store.credentials.list(person.accountId)
    const challenge = this.#challenges.make(`register ${toBase64Url(hash)}`)
    return creationOptions(this.#deps.party(), person, known, challenge)
  }

  /** Whose it is now. Throws `factor.taken` too. */
  async finishRegistration(link: Bytes, answer: CreatedCredential): Promise<PersonRecord> {
    const { hash, person } = await this.#linked(link)
    const { store, clock, party } = this.#deps
    const take = (text: string): boolean => this.#challenges.take(text, `register ${toBase64Url(hash)}`)
    const credential = await createdCredential(party(), answer, take)
    if (credential === null) return this.#refuse(person.accountId, 'signature')
    const outcome = await store.credentials.register(hash, credential, clock.now())
    if (outcome === 'taken') throw new CodedError('factor.taken')
    if (outcome === 'unknown') throw new CodedError('factor.link')
    return person
  }

  async beginSignIn(): Promise<RequestOptions> {
    return requestOptions(this.#deps.party(), this.#challenges.make('signIn'))
  }

  /** What is asked. Throws `factor.stepUp` when it is over. */
  async asked(stepUp: Bytes): Promise<StepUpRequest> {
    const { store, clock } = this.#deps
    const request = await store.credentials.askedStepUp(stepUp, clock.now())
    if (request === null) throw new CodedError('factor.stepUp')
    return request
  }

  async beginStepUp(stepUp: Bytes): Promise<RequestOptions> {
    await this.asked(stepUp)
    return requestOptions(this.#deps.party(), this.#challenges.make(`stepUp ${toBase64Url(stepUp)}`))
  }

  /** Throws `admin.forbidden` for a role that has nothing to do here, and `account.disabled`. */
  async signIn(answer: SignedCredential): Promise<SignedIn> {
    const { credential, counter, person } = await this.#signed(answer, 'signIn')
    if (!mayEnter(person.role)) {
      await this.#note(person.accountId, 'role')
      throw new CodedError('admin.forbidden')
    }
    await this.#use({ id: credential.id, counter, purpose: 'signIn' })
    return { person, credentialId: credential.id }
  }

  /** The device goes on past the soft limit that it was refused at, for one window. Throws `account.disabled`, `factor.stepUp`. */
  async stepUp(stepUp: Bytes, answer: SignedCredential): Promise<PersonRecord> {
    const { accountId, budget } = await this.asked(stepUp)
    const { credential, counter, person } = await this.#signed(answer, `stepUp ${toBase64Url(stepUp)}`)
    if (person.accountId !== accountId) return this.#refuse(person.accountId, 'account')
    const until = this.#deps.clock.now() + this.#deps.budgets[budget].windowMs
    await this.#use({ id: credential.id, counter, purpose: 'stepUp', stepUp, until })
    return person
  }

  async #linked(link: Bytes): Promise<{ readonly hash: Bytes; readonly person: PersonRecord }> {
    const { store, clock } = this.#deps
    const hash = linkHashOf(link)
    const accountId = await store.credentials.linked(hash, clock.now())
    const person = accountId === null ? null : await store.people.find(accountId)
    if (person === null) throw new CodedError('factor.link')
    if (isEnded(person, clock.now())) throw new CodedError('account.disabled')
    return { hash, person }
  }

  async #signed(
    answer: SignedCredential,
    purpose: Purpose,
  ): Promise<{ readonly credential: Credential; readonly counter: number; readonly person: PersonRecord }> {
    const { store, clock, party } = this.#deps
    const id = fromBase64Url(answer.id)
    const credential = id === null ? null : await store.credentials.find(id)
    if (credential === null) throw new CodedError('factor.refused')
    const take = (text: string): boolean => this.#challenges.take(text, purpose)
    const counter = await signedCounter(party(), answer, credential, take)
    if (counter === null) return this.#refuse(credential.accountId, 'signature')
    const person = await store.people.find(credential.accountId)
    if (person === null) throw new CodedError('factor.refused')
    if (isEnded(person, clock.now())) {
      await this.#note(person.accountId, 'disabled')
      throw new CodedError('account.disabled')
    }
    return { credential, counter, person }
  }

  async #use(use: CredentialUse): Promise<void> {
    const { store, clock } = this.#deps
    const outcome = await store.credentials.use(use, clock.now())
    if (outcome !== 'used') throw new CodedError('factor.refused')
  }

  async #refuse(accountId: string, why: Refusal): Promise<never> {
    await this.#note(accountId, why)
    throw new CodedError('factor.refused')
  }

  async #note(accountId: string, detail: Refusal): Promise<void> {
    const { store, clock } = this.#deps
    await store.acts.append(...ownAct(accountId, { type: 'factor.refused', detail }, clock.now()))
  }
}

function mayEnter(role: AccountRole): boolean {
  return rightsOf(role).length > 0
}

import type {
  ConnectionView,
  ConversationView,
  Delivery,
  DeviceView,
  Managed,
  MessageView,
  Person,
  ReadyState,
  State,
} from '../../src/contract/index.ts'
import type { Scenario } from './fakeEngine.ts'
import { directory, people } from './people.ts'

/** Monday 23 November 2026, 10:57 in Paris: the day of the design's pictures. */
export const now = Date.UTC(2026, 10, 23, 9, 57, 20)

/** A time of that day, or of some days before it. */
export function at(clock: string, daysBefore = 0): number {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number)
  return Date.UTC(2026, 10, 23 - daysBefore, hours - 1, minutes)
}

export const managed: Managed = {
  relayAddress: null,
  passphraseRequired: false,
  passphraseMinLength: 16,
  helpContact: 'Assistance informatique, poste 41\u00a020.',
}

export const online: ConnectionView = {
  state: 'online',
  since: at('08:02'),
  nextAttemptAt: null,
  queued: 0,
  error: null,
}

export const offline: ConnectionView = {
  state: 'offline',
  since: at('10:53'),
  nextAttemptAt: now + 24_000,
  queued: 3,
  error: { code: 'relay.unreachable', details: {} },
}

export function conversation(person: Person, over: Partial<ConversationView> = {}): ConversationView {
  return {
    conversationId: person.accountId,
    person,
    preview: null,
    activeAt: at('09:00'),
    unread: 0,
    firstUnread: null,
    draft: '',
    queued: 0,
    held: 0,
    standing: 'accepted',
    identity: 'known',
    timerSeconds: 0,
    mutedUntil: 0,
    pinned: false,
    archived: false,
    typing: false,
    ...over,
  }
}

let serial = 0

export function message(
  person: Person,
  position: number,
  from: 'me' | 'them',
  sentAt: number,
  text: string,
  over: Partial<MessageView> = {},
): MessageView {
  serial += 1
  const own = from === 'me'
  return {
    messageId: serial.toString(16).padStart(32, '0'),
    conversationId: person.accountId,
    position,
    authorId: own ? people.solene.accountId : person.accountId,
    own,
    kind: 'text',
    text,
    formats: [],
    mentions: [],
    quote: null,
    sentAt,
    editedAt: null,
    deleted: false,
    reactions: [],
    acknowledgement: null,
    expiresAt: null,
    timerSeconds: 0,
    note: null,
    delivery: own ? 'delivered' : 'received',
    error: null,
    ...over,
  }
}

const said = (text: string, own = false, delivery: Delivery = own ? 'delivered' : 'received') => ({
  text,
  own,
  delivery,
})

export function conversations(): ConversationView[] {
  const { aissatou, theodore, driss, nour, baptiste, mathurin, ines, salome, yann, elodie } = people
  return [
    conversation(aissatou, { activeAt: at('10:52'), preview: said('Je transmets au cabinet.', true) }),
    conversation(ines, {
      activeAt: at('10:31'),
      preview: said('Relève confirmée pour 19\u00a0h.'),
      unread: 2,
      firstUnread: 5,
    }),
    conversation(mathurin, {
      activeAt: at('10:44'),
      preview: said('Les deux gymnases sont ouverts.'),
      unread: 1,
      firstUnread: 9,
    }),
    conversation(theodore, {
      activeAt: at('10:12'),
      preview: said('À votre disposition.'),
      draft: 'Monsieur le directeur, suite à notre échange',
    }),
    conversation(driss, { activeAt: at('09:58'), preview: said('Bien reçu.'), held: 2, identity: 'changed' }),
    conversation(salome, { activeAt: at('09:05'), preview: said('Compte rendu de 9 h : rien à signaler.') }),
    conversation(nour, { activeAt: at('18:20', 1), preview: said('Merci, bien reçu.') }),
    conversation(elodie, {
      activeAt: at('17:02', 1),
      preview: said('Trois réponses à viser avant jeudi.'),
      unread: 3,
      firstUnread: 2,
    }),
    conversation(baptiste, {
      activeAt: at('16:40', 3),
      preview: said('La note est dans le parapheur.', true),
    }),
    conversation(yann, { activeAt: at('11:30', 20), preview: said('Exercice du 3 décembre : consignes.') }),
  ]
}

export function thread(): MessageView[] {
  const { aissatou: her } = people
  return [
    message(
      her,
      1,
      'them',
      at('21:14', 1),
      'Vigilance orange confirmée jusqu’à mardi 6\u00a0h. Le centre opérationnel reste armé cette nuit.',
    ),
    message(her, 2, 'me', at('21:20', 1), 'Bien noté, je préviens la permanence.', { delivery: 'read' }),
    message(
      her,
      3,
      'them',
      at('10:38'),
      'Point de situation\u00a0: deux changements depuis ce matin. Pont de Saint-Cricq fermé, et 312 foyers encore sans électricité.',
    ),
    message(
      her,
      4,
      'them',
      at('10:41'),
      'Peux-tu confirmer l’heure de la prise de parole\u00a0? Le préfet attend notre retour.\n\nSans réponse avant 11\u00a0h, je maintiens 12\u00a0h\u00a015.',
    ),
    message(
      her,
      5,
      'them',
      at('10:44'),
      '12\u00a0h\u00a015 nous convient. Les deux gymnases de Dax sont ouverts, 140 places. Arrêté publié\u00a0: https://landes.example/arretes/1123',
    ),
    message(
      her,
      6,
      'me',
      at('10:49'),
      'Confirmé\u00a0: 12\u00a0h\u00a015. Éléments de langage au parapheur.',
      {
        delivery: 'read',
      },
    ),
    message(her, 7, 'me', at('10:52'), 'Je transmets au cabinet.'),
  ]
}

/** One of each kind of row. */
export function everyRow(): MessageView[] {
  const asked = message(
    people.aissatou,
    2,
    'them',
    at('10:41'),
    '@Solène Vauquelard confirmez 12 h 15, code A7.',
    {
      editedAt: at('10:42'),
      mentions: [{ start: 0, length: 18, accountId: people.solene.accountId }],
      formats: [
        { start: 19, length: 9, style: 'bold' },
        { start: 29, length: 7, style: 'italic' },
        { start: 38, length: 4, style: 'strike' },
        { start: 43, length: 2, style: 'monospace' },
      ],
      reactions: [
        { personId: people.aissatou.accountId, reaction: { kind: 'emoji', emoji: '🎉' } },
        { personId: people.solene.accountId, reaction: { kind: 'service', reaction: 'agree' } },
        { personId: people.aissatou.accountId, reaction: { kind: 'service', reaction: 'seen' } },
      ],
    },
  )
  const week = 604_800
  return [
    message(people.aissatou, 1, 'me', at('10:40'), 'À quelle heure ?', {
      timerSeconds: week,
      delivery: 'read',
    }),
    asked,
    message(people.aissatou, 3, 'them', at('10:43'), 'À signer.', {
      acknowledgement: { deadline: at('12:00'), by: [] },
      timerSeconds: week,
      expiresAt: now + 2_500_000,
    }),
    message(people.aissatou, 4, 'them', at('10:44'), '', { deleted: true }),
    message(people.aissatou, 5, 'them', at('10:44'), '', { kind: 'undecryptable' }),
    message(people.aissatou, 6, 'them', at('10:45'), '', { kind: 'system', note: { kind: 'deviceAdded' } }),
    message(people.aissatou, 7, 'them', at('10:46'), '', {
      kind: 'system',
      note: { kind: 'timerChanged', seconds: week, own: false },
    }),
    message(people.aissatou, 8, 'me', at('10:49'), 'Confirmé.', {
      quote: {
        authorId: people.aissatou.accountId,
        messageId: asked.messageId,
        excerpt: 'confirmez 12 h 15',
      },
      acknowledgement: { deadline: null, by: [{ personId: people.aissatou.accountId, at: at('10:51') }] },
    }),
  ]
}

export function queuedThread(): MessageView[] {
  const { aissatou: her } = people
  const waiting = { delivery: 'queued' } as const
  return [
    ...thread(),
    message(
      her,
      8,
      'me',
      at('10:54'),
      'Le cabinet est prévenu, la salle de presse est réservée de 12\u00a0h à 13\u00a0h.',
      waiting,
    ),
    message(her, 9, 'me', at('10:55'), 'Merci d’envoyer la carte des coupures en PDF.', waiting),
    message(her, 10, 'me', at('10:57'), 'Les éléments de langage suivent.', waiting),
  ]
}

export function ready(over: Partial<ReadyState> = {}): ReadyState {
  return {
    phase: 'ready',
    managed,
    account: {
      person: people.solene,
      deviceId: 1,
      deviceName: 'CAB-114',
      relayAddress: 'https://valise.cabinet.exemple.gouv.example',
    },
    connection: online,
    settings: { deliveryReceipts: true, readReceipts: true, typingNotices: false },
    alerts: [],
    conversations: conversations(),
    ...over,
  }
}

export const devices: readonly DeviceView[] = [
  {
    deviceId: 1,
    name: 'CAB-114',
    current: true,
    fingerprint: '5c1e90a744d2f83b'.repeat(4),
    addedAt: at('09:00', 52),
    lastSeenDay: at('01:00'),
  },
  {
    deviceId: 2,
    name: 'PORTABLE-CAB-31',
    current: false,
    fingerprint: '19f2c84e0b7a6d35'.repeat(4),
    addedAt: at('09:00', 40),
    lastSeenDay: at('01:00', 34),
  },
]

export const invitation = 'valise:CgJ2MRIraHR0cHM6Ly92YWxpc2UuY2FiaW5ldC5leGVtcGxlLmdvdXYuZXhhbXBsZQ'
export const code = 'K7QM24XD9PLA'

export function scenario(state: State, over: Partial<Scenario> = {}): Scenario {
  const address = 'valise.cabinet.exemple.gouv.example'
  const inspected = { address, organisation: people.solene.organisation, person: people.solene }
  return {
    appearance: { locale: 'fr', theme: 'light' },
    state,
    messages: { [people.aissatou.accountId]: thread() },
    people: directory(),
    after: ready({ conversations: [] }),
    passphrase: 'quatre chevaux sur la digue',
    devices,
    versions: {},
    invitations: { [invitation]: inspected, [code]: inspected },
    now,
    ...over,
  }
}

export const enrolment: Extract<State, { phase: 'enrolment' }> = {
  phase: 'enrolment',
  managed,
  osKeyStore: true,
  deviceName: 'CAB-114 — Solène Vauquelard',
  link: null,
}

export const locked: State = { phase: 'locked', managed, waitUntil: null }

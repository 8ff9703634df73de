/** Limits that relay and client both keep. Sizes are bytes, times are milliseconds. */
export const protocolVersion = 1

export const limits = {
  /** One sealed envelope: the largest padded content and the layers around it. */
  envelopeBytes: 96 * 1024,
  /** One client frame; holds an envelope for each of `devicesPerAccount` at usual sizes. */
  frameBytes: 512 * 1024,
  /** One HTTP request body. A full key upload of 100 + 100 keys is about 260 kB as JSON. */
  httpBodyBytes: 512 * 1024,
  devicesPerAccount: 10,
  /** A guest links no further device. */
  guestDevices: 1,
  /** An invitation always enrols this one: whoever uses it has no other device any more. */
  firstDeviceId: 1,
  /** Envelopes waiting for one device; past it a put is refused with `queue.full`. */
  queueEnvelopes: 100_000,
  /** Their bodies in sum; refused in the same way. */
  queueBytes: 512 * 1024 * 1024,
  /** Envelopes that the relay delivers in one page, and has in flight without acknowledgement. */
  deliverPage: 100,
  deliverInFlight: 256,
  acknowledgeIds: 1_000,
  oneTimePreKeysPerUpload: 100,
  /** One-time keys the relay keeps for a device, of each kind. */
  oneTimePreKeysKept: 200,
  /** So many people are shown at once; when more match, the first answer tells their number only. */
  directoryShown: 5,
  /** People in one answer to who asks on. */
  directoryPage: 20,
  directoryQueryCharacters: 64,
  /** A device must authenticate within this time after the challenge. */
  authenticationMs: 10_000,
  tokenMs: 10 * 60_000,
  certificateMs: 24 * 3_600_000,
  /** The oldest certificate that a client takes, against the relay's reception time. */
  certificateMaxAgeMs: 31 * 24 * 3_600_000,
  keepAliveMs: 30_000,
  /** A relay looks for what other processes and commands have changed. */
  changesMs: 1_000,
  /** Changes are kept so long; a relay that missed more ends its connections. */
  changesKeptMs: 24 * 3_600_000,
  housekeepingMs: 60_000,
  /** Two connections of one device, of different runs: the older one has this long to show that it lives. */
  holderProbeMs: 3_000,
  generationBytes: 16,
  /** A client asks for a new vault generation at most this often while it sends. */
  generationEveryMs: 60_000,
  accessKeyBytes: 16,
  /** Blind permits that an account may draw in a day (UTC). */
  permitsPerDay: 200,
  /** Permits in one request. */
  permitsAtOnce: 25,
  /** Envelopes that permits may bring to one account in an hour: strangers do not fill a queue. */
  permitPutsPerHour: 120,
  /** An offer to be linked, until it is used or forgotten. */
  linkMs: 10 * 60_000,
  /** Codes that an account may try within `linkMs`. */
  linkTries: 5,
  /** One encrypted file, unless the relay's settings say less. */
  blobBytes: 100 * 1024 * 1024,
  /** Readers of a file: the devices of a large group. */
  blobReads: 10_000,
  /** A file is kept as long as the envelope that tells of it may wait. */
  blobMs: 31 * 24 * 3_600_000,
  invitationMs: 7 * 24 * 3_600_000,
  /** libsignal takes 0..0x3fff; ours start at 1 (reference: sealed sender v2 refuses more). */
  registrationIdMax: 16_380,
  deviceIdMax: 127,
} as const

export interface ElectronRuntime {
  /** Folder of the runtime, as ELECTRON_OVERRIDE_DIST_PATH takes it. */
  readonly dist: string
  readonly exe: string
  /** Only `official` may ever be shipped. */
  readonly kind: 'override' | 'official' | 'fallback'
  readonly version: string
}

/** Finds or makes an Electron for this machine. Throws where there is none and none can be made. */
export function electronRuntime(options?: {
  readonly allowDownload?: boolean
  readonly quiet?: boolean
}): Promise<ElectronRuntime>

import { describe, expect, it } from 'vitest'
import { windowOptions } from './windowOptions.ts'

const choice = { preload: '/p/entry.preload.cjs', packaged: true, shade: 'dark', platform: 'linux' } as const

describe('windowOptions', () => {
  it('are exactly these', () => {
    expect(windowOptions(choice)).toEqual({
      title: 'Valise',
      width: 1180,
      height: 760,
      minWidth: 720,
      minHeight: 480,
      show: true,
      backgroundColor: '#0D1315',
      autoHideMenuBar: true,
      frame: false,
      webPreferences: {
        preload: '/p/entry.preload.cjs',
        partition: 'valise',
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        allowRunningInsecureContent: false,
        experimentalFeatures: false,
        webviewTag: false,
        plugins: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        safeDialogs: true,
        enableWebSQL: false,
        v8CacheOptions: 'none',
        disableBlinkFeatures: 'Auxclick',
        devTools: false,
      },
    })
  })

  it('are frozen', () => {
    const options = windowOptions(choice)
    expect(Object.isFrozen(options) && Object.isFrozen(options.webPreferences)).toBe(true)
  })

  it('follow theme and platform in nothing but colour and frame', () => {
    const { backgroundColor, ...light } = windowOptions({ ...choice, shade: 'light' })
    const { backgroundColor: dark, ...rest } = windowOptions(choice)
    expect([backgroundColor, dark]).toEqual(['#E9EEEE', '#0D1315'])
    expect(light).toEqual(rest)
    expect(windowOptions({ ...choice, platform: 'darwin' })).toMatchObject({ titleBarStyle: 'hiddenInset' })
  })
})

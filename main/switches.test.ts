import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { profileSwitch, refuseSwitches, switchName } from './switches.ts'

const dangerous = [
  '--remote-debugging-port=9222',
  '--remote-debugging-port',
  '-remote-debugging-port=9222',
  '--Remote-Debugging-Port=1',
  '--remote-debugging-pipe',
  '--remote-debugging-address=0.0.0.0',
  '--remote-allow-origins=*',
  '--inspect',
  '--inspect=0',
  '--inspect-brk',
  '--inspect-port=1',
  '--js-flags=--expose-gc',
  '--load-extension=/tmp/x',
  '--no-sandbox',
  '--disable-gpu-sandbox',
  '--disable-setuid-sandbox',
  '--disable-seccomp-filter-sandbox',
  '--disable-web-security',
  '--disable-site-isolation-trials',
  '--allow-running-insecure-content',
  '--user-data-dir=/tmp/x',
  '--disk-cache-dir=/tmp/x',
  '--renderer-cmd-prefix=xterm',
  '--gpu-launcher=xterm',
  '--utility-cmd-prefix=xterm',
  '--ppapi-plugin-launcher=x',
  '--host-rules=MAP * evil',
  '--host-resolver-rules=MAP * evil',
  '--proxy-server=evil:1',
  '--proxy-pac-url=http://evil/',
  '--ignore-certificate-errors',
  '--log-net-log=/tmp/x',
  '--ssl-key-log-file=/tmp/x',
  '--enable-logging',
  '--enable-blink-features=X',
  '--single-process',
  '--no-zygote',
  '-r',
  '--require=x',
]

describe('refuseSwitches', () => {
  it.each(dangerous)('refuses %s when packaged', (argument) => {
    expect(() => refuseSwitches([argument], 'linux', true)).toThrow('switch.refused')
    expect(() => refuseSwitches(['--profile=/tmp/p', argument], 'linux', true)).toThrow('switch.refused')
    expect(() => refuseSwitches([argument], 'linux', false)).not.toThrow()
  })

  it('sees the forms that only Windows knows', () => {
    expect(() => refuseSwitches(['/remote-debugging-port=1'], 'win32', true)).toThrow('switch.refused')
    expect(() => refuseSwitches(['/opt/file'], 'linux', true)).not.toThrow()
  })

  it('takes its own and harmless switches', () => {
    const argv = ['--profile=/home/x', '--lang=fr', '--password-store=gnome-libsecret', 'word']
    expect(() => refuseSwitches(argv, 'linux', true)).not.toThrow()
  })

  it('names the switch without its value', () => {
    expect(() => refuseSwitches(['--user-data-dir=/secret'], 'linux', true)).toThrow(
      expect.objectContaining({ details: { name: 'user-data-dir' } }),
    )
  })

  it('has no way round by an unknown name', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z-]{0,30}$/), fc.constantFrom('--', '-'), (name, dashes) => {
        fc.pre(
          !['profile', 'lang'].includes(name) && !/^(password|ozone|disable-gpu|force|allow|orig)/.test(name),
        )
        expect(() => refuseSwitches([`${dashes}${name}`], 'linux', true)).toThrow('switch.refused')
      }),
    )
  })
})

describe('switchName', () => {
  it('is null for what is no switch', () => {
    expect(switchName('word', 'linux')).toBe(null)
    expect(switchName('', 'linux')).toBe(null)
    expect(switchName('--', 'linux')).toBe(null)
  })
})

describe('profileSwitch', () => {
  it('reads one value', () => {
    expect(profileSwitch(['.', '--profile=/tmp/a=b'])).toBe('/tmp/a=b')
    expect(profileSwitch(['.'])).toBe(null)
  })

  it.each([[['--profile']], [['--profile=']], [['--profile=/a', '--profile=/b']]])('refuses %j', (argv) => {
    expect(() => profileSwitch(argv)).toThrow('argument.invalid')
  })
})

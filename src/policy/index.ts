export * from './policies.ts'
export * from './effective.ts'
export * from './readPolicy.ts'
export * from './linuxReader.ts'

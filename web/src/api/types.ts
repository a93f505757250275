import type { components } from './generated';

/** Every type of the API by its name in openapi.json. */
export type Schemas = components['schemas'];

export type Site = Schemas['Site'];
export type Tunnel = Schemas['Tunnel'];
export type TunnelStatus = Schemas['TunnelStatus'];
export type FailoverStatus = Schemas['FailoverStatus'];
export type LinkState = Schemas['LinkState'];
export type TunnelRole = Schemas['TunnelRole'];
export type Fault = Schemas['Fault'];
export type FaultType = Schemas['FaultType'];
export type Severity = Schemas['Severity'];
export type Job = Schemas['Job'];
export type JobState = Schemas['JobState'];
export type StepState = Schemas['StepState'];
export type User = Schemas['User'];
export type UserRole = Schemas['UserRole'];
export type WhoAmI = Schemas['WhoAmI'];
export type LiveEvent = Schemas['LiveEvent'];

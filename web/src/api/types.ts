/** The API's values under the names that the pages use. Everything here comes from the generated document. */
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Action = Schemas["Action"];
export type Artifact = Schemas["Artifact"];
export type AttachedDataset = Schemas["AttachedDataset"];
export type Attempt = Schemas["Attempt"];
export type Dataset = Schemas["Dataset"];
export type ExecutorStatus = Schemas["ExecutorStatus"];
export type DatasetUse = Schemas["DatasetUseInput"];
export type Explanation = Schemas["Explanation"];
export type Fault = Schemas["Fault"];
export type Group = Schemas["Group"];
export type IssuedRegistrationToken = Schemas["NewRegistrationToken"];
export type IssuedToken = Schemas["NewToken"];
export type DatasetEdit = Schemas["DatasetEdit"];
export type AccountEdit = Schemas["AccountEdit"];
export type NewAccount = Schemas["NewAccount"];
export type NewDataset = Schemas["NewDataset"];
export type NewLocation = Schemas["NewLocation"];
export type Limits = Schemas["Limits"];
export type Location = Schemas["Location"];
export type Me = Schemas["Me"];
export type Place = Schemas["Place"];
export type Preview = Schemas["Preview"];
export type Problem = Schemas["Problem"];
export type Quota = Schemas["Quota"];
export type Refusal = Schemas["Refusal"];
export type RegistrationToken = Schemas["RegistrationToken"];
export type Resources = Schemas["Resources"];
export type Run = Schemas["Run"];
export type RunEvent = Schemas["Event"];
export type RunRequest = Schemas["RunRequestInput"];
export type Runner = Schemas["Runner"];
export type Site = Schemas["Site"];
export type Status = Schemas["Status"];
/** The client reads tuples as lists. */
export type Tag = Omit<Schemas["Tag"], "things"> & { things: string[][] };
export type Token = Schemas["Token"];
export type Tool = Schemas["Tool"];
export type ToolSpec = Schemas["ToolSpec"];
export type ToolVersion = Schemas["ToolVersion"];

export type Role = Account["role"];
export type Scope = Me["scopes"][number];
export type State = Run["state"];
export type Word = Run["word"];

/** Roles as people choose among them. */
export const ROLES = [
  { value: "user", label: "user: launches, registers data, publishes tools" },
  { value: "guest", label: "guest: launches what is offered" },
  { value: "admin", label: "admin: looks after all of it" },
];

/** How any page asks for the launch dialog without knowing the feature that draws it: the shell provides it. */
import { createContext, useContext } from "react";
import type { LaunchWish } from "./launch-link";

export type OpenLauncher = (wish: Partial<LaunchWish>) => void;

export const LauncherContext = createContext<OpenLauncher>(() => {
  throw new Error("no launcher above this component");
});

export const useLauncher = () => useContext(LauncherContext);

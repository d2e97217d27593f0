/** Ids that tie a control to its label, its hint and its error. */
export interface ControlIds {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}

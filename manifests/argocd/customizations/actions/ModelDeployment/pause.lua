-- No rollout begins or goes forward until it is resumed; a worse canary is still rolled back.
obj.spec.paused = true
return obj

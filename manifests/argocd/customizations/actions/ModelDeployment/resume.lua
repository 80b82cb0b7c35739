-- Go on where it was paused.
obj.spec.paused = false
return obj

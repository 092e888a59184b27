// The trainers' room: marking words, the keyboard, and what the model says while somebody types.
"use strict";

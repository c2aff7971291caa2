// One click on a person of the demonstration fills the form; signing in stays the reader's act.
for (const button of document.querySelectorAll("[data-username]")) {
  button.addEventListener("click", () => {
    document.getElementById("id_username").value = button.dataset.username;
    document.getElementById("id_password").value = button.dataset.password;
    document.getElementById("sign-in-button").focus();
  });
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./Built.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {IIssuerRegistry} from "../../contracts/interfaces/IIssuerRegistry.sol";
import {AcceptedIssuers} from "../../contracts/issuers/AcceptedIssuers.sol";
import {IssuerRegistry} from "../../contracts/issuers/IssuerRegistry.sol";
import {Checks} from "./Vm.sol";

/// @notice A bank that signs by secp256k1 and an employer that signs by P-256, both accepted.
abstract contract IssuerFixture is Checks {
    uint256 internal constant BANK_KEY = 0xBA2C;
    uint256 internal constant EMPLOYER_KEY = 0xE3910;
    bytes32 internal constant SCHEMA = keccak256("urn:risk-oracle:passport:1");
    bytes32 internal constant DATA = bytes32(uint256(0xda7a));
    uint8 internal constant SECP256K1 = 1;
    uint8 internal constant P256_KEY = 2;

    IssuerRegistry internal issuers;
    AcceptedIssuers internal accepted;
    bytes32 internal bank;
    bytes32 internal employer;

    function _foundIssuers(AccessManager manager_) internal {
        issuers = Built.issuerRegistry(address(manager_));
        accepted = Built.acceptedIssuers(address(manager_), issuers);
        bank = issuers.addIssuer(SECP256K1, abi.encodePacked(vm.addr(BANK_KEY)), "A bank");
        employer = issuers.addIssuer(P256_KEY, _point(EMPLOYER_KEY), "An employer");
        issuers.setSchema(bank, SCHEMA, true);
        issuers.setSchema(employer, SCHEMA, true);
        accepted.setAccepted(bank, SCHEMA, true);
        accepted.setAccepted(employer, SCHEMA, true);
    }

    function _point(uint256 key) internal pure returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return abi.encodePacked(x, y);
    }

    function _byBank(bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(BANK_KEY, digest);
        return abi.encodePacked(r, s, v);
    }

    function _byEmployer(bytes32 digest) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(EMPLOYER_KEY, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
        return abi.encodePacked(r, s, _point(EMPLOYER_KEY));
    }

    function _signed(bytes32 issuer, bytes32 digest) internal view returns (bytes memory) {
        return issuer == bank ? _byBank(digest) : _byEmployer(digest);
    }

    /// @dev For a week.
    function _attestation(
        bytes32 issuer,
        address of_,
        bytes32 commitment
    ) internal view returns (IIssuerRegistry.Attestation memory) {
        uint64 validUntil = uint64(vm.getBlockTimestamp() + 7 days);
        bytes32 digest = issuers.attestationDigest(of_, commitment, SCHEMA, validUntil);
        return IIssuerRegistry.Attestation(issuer, SCHEMA, validUntil, _signed(issuer, digest));
    }
}
